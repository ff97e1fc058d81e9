//! Prompts and answers: what the model is told, and the source taken out of what it says.
