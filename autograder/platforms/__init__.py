"""Learning platforms: submissions in, grades and feedback out."""
