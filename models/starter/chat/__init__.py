"""The starter chat model: what it is shown, its tokens, the decoder, its training, its file, its measures."""
