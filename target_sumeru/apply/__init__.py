"""Carries out a plan: writes to the API, settles each row, releases STATE."""
