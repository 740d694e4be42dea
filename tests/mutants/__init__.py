"""The engine broken on purpose: for each way there is a test that turns red."""
