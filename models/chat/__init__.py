"""The chat server: llama.cpp's batch API under a scheduler of our own, behind OpenAI's routes."""
