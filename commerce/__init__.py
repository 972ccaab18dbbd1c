"""What the business is about: values, events, errors, ports and pure rules. No I/O, no Prefect."""
