"""The injection classifier: attacks and plant language to learn from, a head over sentence vectors, its measures."""
