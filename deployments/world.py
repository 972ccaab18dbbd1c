"""The world of the demo: what people do at the simulated vendors, over their control endpoint."""

from __future__ import annotations

from typing import Any

import httpx


class World:
    """Lets things happen at the vendors, and looks at what they hold. Knows nothing of the hub."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._client = httpx.Client(base_url=base, timeout=600.0, trust_env=False)

    def act(self, name: str, action: str, **arguments: Any) -> Any:
        """Run `do_<action>` at the vendor. Raises RuntimeError with the vendor's complaint."""
        answer = self._client.post(f"/_control/{name}/{action}", json=arguments)
        if not answer.is_success:
            raise RuntimeError(f"{name}: {action}: {answer.text[:300]}")
        return answer.json()

    def state(self, name: str) -> Any:
        """Everything the vendor holds."""
        return self.act(name, "state")
