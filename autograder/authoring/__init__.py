"""What authors of exercises share: random draws and roundings (`draws`), and right formulas (`formulas`)."""
