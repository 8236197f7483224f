"""The author's tools: skeletons of exercises and chapters, the tables made from them, and the rules they are held to."""
