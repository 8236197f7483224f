"""The author's tools: random draws (`draws`) and right formulas (`formulas`) that exercises share, skeletons of exercises and
chapters, the tables made from them, and the rules they are held to.
"""
