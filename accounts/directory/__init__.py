"""From a reading of the house's directory to rows: the plan (plain), the guard (plain), and who writes it."""
