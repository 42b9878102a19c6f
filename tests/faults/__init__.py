"""What the program survives: real kills of real worker processes."""

import pytest

pytest.register_assert_rewrite(
    *(f"tests.faults.{name}" for name in ("address_trials", "criterion", "endings", "judge", "machine")),
    *(f"tests.faults.{name}" for name in ("provider_trials", "receiver_trials")),
)
