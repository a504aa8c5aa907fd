"""The test data of the sandbox: generated shops, the changes made to them, and the clock that dates them."""
