"""What Prefect retries and shows: record, deliver, set stock, watch."""
