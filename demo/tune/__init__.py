"""How the weights of the answers are fitted: libraries to ask, questions with known answers, and the fit."""
