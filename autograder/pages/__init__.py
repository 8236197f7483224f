"""Pages that people get from the grader: their templates, and nbconvert's exporter for them."""
