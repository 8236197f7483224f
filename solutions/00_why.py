# %% [markdown]
# # 00 Why deep learning?
#
# Here are twelve plates. You know what is on them without thinking about it. Could you write a program that does?

# %%
from introdl import data

plates = data.plates()
plates

# %% [markdown]
# Every picture comes with the dish's name, its mass in grams, its energy in kilocalories, and a blue box around the
# food. Nobody took these pictures. They are computed: a program cooks each plate anew, lights it, and traces the light
# to a camera that is not there. So we know exactly what lies on each of them, and they come with the course.
#
# In this course you build **MealoMi**, an app that looks at a plate and tells you all this by itself: which dish, how
# much of it, how many kilocalories. It does so with a deep network, and you write every part of that network.
#
# **When you are done with this chapter, you can**
#
# - say how good a classifier is, with its first guess and with five, and by how much one is better than another;
# - read a picture as what it is to a machine, a table of numbers, and prepare it for a network;
# - write down the right answer in a network's language;
# - say what deep learning is good at, and what it is not, from measurements of your own.
#
# **What you build**: `accuracy`, `top_k_accuracy`, `error_reduction`, `standardize`, `one_hot` and `correct_rank`: what
# keeps the score in a game of you against a network.
#
# **Time**: about 75 minutes. **You need**: Python (functions, loops) and a little NumPy (arrays, indexing).
#
# Run a cell with **Shift + Enter**. Run this one now.

# %%
import numpy as np

from introdl import check, figures, game, hint, models
from introdl.figures import why as figs

figures.use_style()

# %% tags=["parameters"]
seed = 0  # of the normal course's draw
measured = 200  # test pictures on which the changes of section 7 are measured

# %% [markdown]
# ## 1. Test yourself
#
# Before anything is explained: play. You see a plate, and have **five guesses**. So has the computer. Whoever has the
# dish among the five gets a point. HUMAN against COMPUTER, seven plates.
#
# - Type a dish, or a part of its name, and press **Enter**. (Leaving the field counts, too.) The list helps. **Tab** and
#   **Space** do what a mouse does.
# - When a picture is done, *The computer's guesses* shows what it would have said, and how sure it was.
# - Win on the *normal* course? Then change to *hard*.
#
# The game is kept on your machine. Run the cell again, tomorrow if you like, and it goes on.

# %% tags=["demo"]
game.play(seed=seed)

# %% [markdown]
# **Who is the computer?** A real network, and a small one. It was trained on other plates of the same dishes. None of
# those you play with was among them: they are **test pictures**, kept back so that nobody can learn them by heart.
#
# **How are the plates chosen?** By the program, not by hand.
#
# - *Normal*: seven drawn at random from all test pictures. Game 2 draws anew.
# - *Hard*: the network is asked about every test picture. Those that its first guess misses are put in order, the worst
#   first: where the right dish stands furthest down its list, and of two alike, where it gave it less probability. Game
#   1 has the seven worst, game 2 the next seven.
#
# So the hard course is unfair, on purpose. It shows you where the network's limits are. You come back to them in
# section 7.

# %%
deck = game.deck()
network = models.pretrained("plates")
print(f"{len(deck.pictures):,} test pictures of {len(deck.classes)} dishes")
print(f"{sum(weights.numel() for weights in network.parameters()):,} numbers inside the network, all learned")
print(f"missed by its first guess: {len(deck.misses)}")
print(f"missed by all five: {np.sum(deck.ranks > 5)}")

# %% [markdown]
# ## 2. The course
#
# How does one get from a table of numbers to "doughnut, 60 g, 253 kcal"? One part at a time:

# %%
figs.course_map()

# %% [markdown]
# ## 3. Keeping score, and how checks work
#
# A score needs a rule. The plainest one is the **accuracy**: the share of pictures whose first guess is right.
#
# **By hand.** Four plates. The network says 3, 1, 0, 2. (Dishes have numbers: 0 is pizza, 1 is burger, and so on.) The
# truth, the **labels**, is 3, 1, 4, 2. Three of four are right, and the accuracy is 3/4 = 0.75. The **error** is what is
# missing to 1: 0.25.
#
# This is your first exercise. It takes one line, so use it to get to know how exercises work.
#
# 1. The cell below holds a function with a **docstring**: what goes in, what comes out, an example. Run the cell, and
#    then the `check` below it, without changing anything. It says *not started yet*.
# 2. Replace `raise NotImplementedError` by `return np.sum(predictions == labels)`, and run both cells again. That
#    counts the right ones, but a count is not a share. The check says so, by name. It knows many mistakes.
# 3. Make it a share. Run both cells. You see a tick, and your points.
# 4. Stuck? Run the cell with `hint`. Each time you run it, it shows one hint more, from gentle to plain.
#
# You can check as often as you like. Nothing is sent anywhere. Your best result is kept on this machine, and
# `introdl progress`, or the start page, shows how far you are.

# %% exercise="00.accuracy"
def accuracy(predictions, labels):
    """Share of pictures whose prediction is right.

    Parameters
    ----------
    predictions : numpy.ndarray
        (N,) int64: the dish that the network names for each picture.
    labels : numpy.ndarray
        (N,) int64: the right dish of each picture.

    Returns
    -------
    float
        From 0 to 1.

    Example
    -------
    >>> float(accuracy(np.array([3, 1, 0, 2]), np.array([3, 1, 4, 2])))
    0.75
    """
    ### BEGIN SOLUTION
    return np.mean(predictions == labels)
    ### END SOLUTION

# %% check="00.accuracy"
check("00.accuracy", accuracy)

# %%
# Take the # away and run this cell, more than once if you need to:
# hint("00.accuracy")

# %% [markdown]
# Two rules hold everywhere in the course: **return** the result (do not print it), and **leave the inputs as they
# are**, because whoever calls your function still needs them.
#
# ## 4. Five guesses: top-k accuracy
#
# A network does not name one dish. It gives a **score** to every dish, and the highest is its first guess. Put all
# scores in order, and you have its second guess, and its third. In the game a picture counts when its dish is among the
# five best: that is **top-5 accuracy**. With $k$ guesses it is **top-$k$ accuracy**.
#
# Let $S$ be the scores, shape $(N, K)$: a row for each of the $N$ pictures, a column for each of the $K$ dishes.
#
# **By hand**, with $N = 3$, $K = 4$, and $k = 2$:
#
# | | dish 0 | dish 1 | dish 2 | dish 3 | two best | label | counts? |
# |---|---|---|---|---|---|---|---|
# | picture 0 | **7** | 1 | **4** | 0 | 0 and 2 | 2 | yes |
# | picture 1 | 2 | **5** | 1 | **3** | 1 and 3 | 1 | yes |
# | picture 2 | 3 | **8** | 2 | **6** | 1 and 3 | 0 | no |
#
# Two of three: 0.67. With $k = 1$ only picture 1 counts: 0.33.
#
# The trick is to get at *which* dishes score best, and not *how high*. `np.sort` gives scores. `np.argsort` gives their
# places:

# %%
row = np.array([7.0, 1.0, 4.0, 0.0])
print("sort   :", np.sort(row))
print("argsort:", np.argsort(row), "  the dish with the lowest score first, the best last")

# %% [markdown]
# ### Exercise: `top_k_accuracy`
#
# scikit-learn and torch have this ready made. In this chapter they are off the menu.

# %% exercise="00.top_k_accuracy"
def top_k_accuracy(scores, labels, k):
    """Share of pictures whose right dish is among the k dishes with the highest scores.

    Parameters
    ----------
    scores : numpy.ndarray
        (N, K) floats: a row for each picture, a column for each dish. No two scores in a row
        are equal.
    labels : numpy.ndarray
        (N,) int64, each from 0 to K - 1.
    k : int
        How many guesses, from 1 to K.

    Returns
    -------
    float
        From 0 to 1. The inputs are left as they are.

    Example
    -------
    >>> scores = np.array([[7.0, 1.0, 4.0, 0.0], [2.0, 5.0, 1.0, 3.0], [3.0, 8.0, 2.0, 6.0]])
    >>> round(float(top_k_accuracy(scores, np.array([2, 1, 0]), 2)), 2)
    0.67
    """
    ### BEGIN SOLUTION
    best = np.argsort(scores, axis=1)[:, -k:]
    return (best == labels[:, None]).any(axis=1).mean()
    ### END SOLUTION

# %% check="00.top_k_accuracy"
check("00.top_k_accuracy", top_k_accuracy)

# %% [markdown]
# And the network of the game, on all its test pictures? (This cell uses the game's own count. When your function is
# ready, try `top_k_accuracy(deck.probabilities, deck.pictures.labels, 5)` in a cell of your own: it must agree.)

# %%
for k in (1, 2, 3, 5, len(deck.classes)):
    print(f"top-{k:<2} accuracy: {np.mean(deck.ranks <= k):.3f}")

# %% [markdown]
# The last line is 1, and it would be for any network at all. With as many guesses as there are dishes nobody can be
# wrong. So always ask: *top five of how many?* Five out of our few dishes is a kind rule. Five out of a thousand is not,
# and that is the next story.
#
# ## 5. Why everybody changed their mind: 2012
#
# From 2010 to 2017 the ImageNet challenge asked one question every year: what is in this photo, out of **1000** kinds of
# things, with five guesses? There were about 1.2 million photos to learn from, and 100,000 hidden ones (in 2010: 150,000) to be tested on. Here is
# the **top-5 error** of each year's winner:

# %%
figs.imagenet_chart(human=5.1, less_trained=12.0)

# %% [markdown]
# | year | entry | top-5 error | source |
# |---|---|---|---|
# | 2010 | NEC-UIUC | 28.2 % | [Russakovsky et al. 2015](https://arxiv.org/abs/1409.0575) |
# | 2011 | XRCE | 25.8 % | the same |
# | 2012 | AlexNet (team SuperVision) | 16.4 % | [Krizhevsky, Sutskever and Hinton 2012](https://proceedings.neurips.cc/paper/2012/hash/c399862d3b9d6b76c8436e924a68c45b-Abstract.html) |
# | 2013 | Clarifai, the company of Matthew Zeiler; see [Zeiler and Fergus 2013](https://arxiv.org/abs/1311.2901) | 11.7 % | [the challenge's results](https://image-net.org/challenges/LSVRC/2013/results.php) |
# | 2014 | GoogLeNet; see [Szegedy et al. 2014](https://arxiv.org/abs/1409.4842). Second: VGG, [Simonyan and Zisserman 2014](https://arxiv.org/abs/1409.1556) | 6.7 % | [results](https://image-net.org/challenges/LSVRC/2014/results) |
# | 2015 | ResNet (team MSRA) | 3.6 % | [He et al. 2015](https://arxiv.org/abs/1512.03385) |
# | 2016 | Trimps-Soushen | 3.0 % | [results](https://image-net.org/challenges/LSVRC/2016/results) |
# | 2017 | SENet (team WMW) | 2.3 % | [Hu et al. 2017](https://arxiv.org/abs/1709.01507) |
#
# All figures are for the challenge's own training photos only. (With more photos AlexNet reached 15.3 %.) The test
# photos of 2010 and 2011 were others than those from 2012 on, so compare those two bars with the rest with care. The
# gray ones used features that people had thought up. The blue ones learned their features. You will meet AlexNet's,
# VGG's and ResNet's ideas again in chapters 03, 04 and 11.
#
# ### How good is a person?
#
# In 2014 Andrej Karpathy made himself the human competitor. He practiced on 500 photos, with the thousand kinds beside
# him, and then labeled 1500 test photos, at about one a minute. He was wrong 76 times
# ([his own count](https://karpathy.github.io/2014/09/02/what-i-learned-from-competing-against-a-convnet-on-imagenet/);
# the study is section 6.4 of [Russakovsky et al. 2015](https://arxiv.org/abs/1409.0575)). GoogLeNet's error on the same
# photos was 6.8 %. A second person had practiced on 100 photos only, labeled 258, and was wrong on 12.0 %.

# %%
p = 76 / 1500
luck = np.sqrt(p * (1 - p) / 1500)  # the standard error of a share
print(f"his error: {p:.3f}, give or take {luck:.3f} by the luck of the draw")

# %% [markdown]
# So "better than a human" means: better than **one** careful person, who had practiced, on **one** set of photos. It is
# not "better than people see". When five trained people were measured again, with all labels that are true of a photo
# accepted, only the latest networks of 2020 matched the best of them, and on everyday objects people were still ahead
# ([Shankar et al. 2020](http://proceedings.mlr.press/v119/shankar20c.html)). You may have noticed something like that
# on the hard course.
#
# ### Error reduction
#
# From 2014 to 2015 the error fell from 6.7 to 3.6 %. The accuracy rose from 93.3 to 96.4 %. The second sounds like
# little, and it is the same fact. Near the top the accuracy hides progress. So ask instead: **what share of the mistakes
# is gone?**
#
# **By hand.** Of 100 pictures 20 were wrong, and now 15 are. The accuracy went from 0.80 to 0.85. Five of twenty mistakes
# are gone: an error reduction of $5/20 = 0.25$, a quarter.
#
# $$\text{error reduction} = \frac{e_{\text{old}} - e_{\text{new}}}{e_{\text{old}}}, \qquad e = 1 - \text{accuracy}$$
#
# - $e_{\text{old}}, e_{\text{new}}$: the errors before and after, numbers from 0 to 1.
# - It is 1 where no mistake is left, 0 where nothing has changed, and below 0 where it got worse.
#
# ### Exercise: `error_reduction`

# %% exercise="00.error_reduction"
def error_reduction(old_accuracy, new_accuracy):
    """Share of the mistakes that are gone.

    Parameters
    ----------
    old_accuracy : float
        Before, from 0 to 1 and under 1.
    new_accuracy : float
        After, from 0 to 1.

    Returns
    -------
    float
        At most 1; negative where there are more mistakes than before.

    Example
    -------
    >>> round(error_reduction(0.80, 0.85), 4)
    0.25
    """
    ### BEGIN SOLUTION
    old_error, new_error = 1 - old_accuracy, 1 - new_accuracy
    return (old_error - new_error) / old_error
    ### END SOLUTION

# %% check="00.error_reduction"
check("00.error_reduction", error_reduction)

# %% [markdown]
# ### DeepFace
#
# In 2014 a group at Facebook published DeepFace: a network that looks at two photos and says whether they show the same
# person. On the test set *Labeled Faces in the Wild* it was right on **97.35 %** of the pairs, "reducing the error of the
# current state of the art by more than 27 %" ([Taigman et al. 2014](https://doi.org/10.1109/CVPR.2014.220)). That state
# of the art was 96.33 % ([Cao et al. 2013](https://doi.org/10.1109/ICCV.2013.398)). People reach 97.53 %
# ([Kumar et al. 2009](https://doi.org/10.1109/ICCV.2009.5459250)).

# %%
right = {"best before (2013)": 96.33, "DeepFace (2014)": 97.35, "people": 97.53}
figs.verification_errors({name: 100 - share for name, share in right.items()})

# %% [markdown]
# Is the claim true? Run `error_reduction(0.9633, 0.9735)` in a cell of your own. It is one of the check's cases, too. One
# percentage point of accuracy, and more than a quarter of the mistakes: both are right, and a headline may choose. In
# chapter 13 you build such a verifier, for plates, and we talk about why one should ask first before doing it with faces.
#
# ## 6. What a machine sees
#
# You see a doughnut. The machine is handed this:

# %%
train = plates.split("train")
plate = plates.only(["doughnut"]).split("test").images[0]
print("type ", plate.dtype, "  (a byte: a whole number from 0 to 255)")
print("shape", plate.shape, "  (rows, columns, channels)")
print("size ", f"{plate.size:,}", "numbers")

# %% [markdown]
# A color picture has three **channels**: for each pixel one number for red, one for green and one for blue. Move the
# window. The numbers on the right are all that a network ever gets.
#
# 1. Put the window on the edge of the plate. Which numbers jump?
# 2. Find a white spot. Which three numbers make white? And a dark one?
# 3. Choose *red*, then *blue*. Where do the two differ most?

# %% tags=["demo"]
figs.pixel_window(plate)

# %%
figs.channels(plate)

# %% [markdown]
# Nothing in these numbers says "doughnut". The next photo of one has altogether different ones. And that is why nobody
# could write the program by hand: which rule would you give for the number in row 60, column 60?
#
# Many pictures together are one array, shape $(N, H, W, C)$: pictures, rows (height), columns (width), channels. In
# later chapters, as in PyTorch, the channels come first, $(N, C, H, W)$. Always look which it is.
#
# ### Center and scale
#
# Bytes are an awkward unit for a network. It learns faster from numbers around 0, neither huge nor tiny
# ([LeCun et al. 1998](http://yann.lecun.com/exdb/publis/pdf/lecun-98b.pdf), section 4.3). So each channel is **standardized**: take away its mean, divide by its **standard deviation**, the typical
# distance from the mean.
#
# $$x' = \frac{x - \mu_c}{\sigma_c}$$
#
# - $x$: one number of a picture, in channel $c$. $x'$: what becomes of it.
# - $\mu_c, \sigma_c$: mean and standard deviation of channel $c$, over **all** pictures, rows and columns. Two numbers a
#   channel, whatever the size of the pictures.
#
# **By hand**, for one channel with the four values 2, 4, 4, 6: the mean is 4. The distances are −2, 0, 0, 2; their
# squares 4, 0, 0, 4 have the mean 2; its root is 1.414. So the values become −1.414, 0, 0, 1.414.

# %%
figs.before_and_after(train.images[:200, ::2, ::2])

# %% [markdown]
# **Beware of bytes.** A byte has no room for negative numbers, nor for more than 255. It starts again from the other end,
# and says nothing:

# %%
print("3 - 5     =", np.array([3], np.uint8) - np.array([5], np.uint8))
print("200 + 100 =", np.array([200], np.uint8) + np.array([100], np.uint8))

# %% [markdown]
# ### Exercise: `standardize`

# %% exercise="00.standardize"
def standardize(images):
    """Bring every channel to mean 0 and standard deviation 1.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, (N, H, W, C): N pictures of H rows and W columns with C channels. In every
        channel there are at least two different values.

    Returns
    -------
    numpy.ndarray
        Floats, (N, H, W, C). Each channel's mean over all pictures, rows and columns is 0,
        and its standard deviation (NumPy's default, which divides by the count) is 1. The
        pictures are left as they are.

    Example
    -------
    >>> images = np.array([2, 4, 4, 6], dtype=np.uint8).reshape(2, 1, 2, 1)
    >>> standardize(images).ravel().round(3).tolist()
    [-1.414, 0.0, 0.0, 1.414]
    """
    ### BEGIN SOLUTION
    images = images.astype(float)
    return (images - images.mean(axis=(0, 1, 2))) / images.std(axis=(0, 1, 2))
    ### END SOLUTION

# %% check="00.standardize"
check("00.standardize", standardize)

# %% [markdown]
# The network of the game does the same with every picture that it is given. Its card, the slip of paper that comes with
# it, has the numbers, for bytes divided by 255:

# %%
print("mean of red, green, blue:", np.round(network.card.mean, 3))
print("standard deviation:      ", np.round(network.card.std, 3))

# %% [markdown]
# They were measured on the training pictures, once. Test pictures are treated with the *same* numbers, not with their
# own. Otherwise the test pictures would have a say in their own preparation.
#
# ### The right answer, in numbers
#
# Names are no numbers. So dishes are counted: pizza is 0, burger is 1. But 1 is not "more" than 0, and a soup is not the
# sum of a banana and something. A network therefore has one output **for each dish**, and the right answer is written
# the same way: 1 for the dish that it is, 0 for all others. That row is called **one-hot**.
#
# **By hand.** Four dishes, and the labels 2, 0, 2:
#
# $$\begin{bmatrix} 2 \\ 0 \\ 2 \end{bmatrix} \quad\to\quad \begin{bmatrix} 0 & 0 & 1 & 0 \\ 1 & 0 & 0 & 0 \\
# 0 & 0 & 1 & 0 \end{bmatrix}$$
#
# The last dish does not occur among these labels. Its column is there all the same.
#
# ### Exercise: `one_hot`

# %% exercise="00.one_hot"
def one_hot(labels, num_classes):
    """Write labels as rows of zeros with a single one.

    Parameters
    ----------
    labels : numpy.ndarray
        (N,) int64, each from 0 to num_classes - 1.
    num_classes : int
        How many classes there are, whether or not they all occur.

    Returns
    -------
    numpy.ndarray
        (N, num_classes): row i has a 1 in column labels[i] and 0 elsewhere. The labels are
        left as they are.

    Example
    -------
    >>> one_hot(np.array([2, 0, 2]), 4)
    array([[0., 0., 1., 0.],
           [1., 0., 0., 0.],
           [0., 0., 1., 0.]])
    """
    ### BEGIN SOLUTION
    table = np.zeros((len(labels), num_classes))
    table[np.arange(len(labels)), labels] = 1
    return table
    ### END SOLUTION

# %% check="00.one_hot"
check("00.one_hot", one_hot)

# %% [markdown]
# Now both sides speak one language. The network says, for a plate, a probability for each dish; the right answer is a
# row of the same length. How far the two are apart is the **loss** (chapter 05), and learning means to make it small
# (chapters 06 and 07). That is the whole plan.
#
# ## 7. What it is good at, and what it is not
#
# Deep learning is good where **you can show, but cannot tell**: you know a doughnut when you see one, you cannot write
# down the rule, but you can give a thousand examples. Pictures, sound and language are like that. Everything else about
# it must be measured. So measure.
#
# ### It misses some
#
# These are the worst misses of the game's network, found by the program. In brackets the probability that it gave.

# %%
worst = deck.misses[:8]
figs.missed(
    deck.pictures.images[worst], deck.pictures.labels[worst], deck.probabilities[worst], deck.classes
)

# %%
pairs = [
    f"{deck.classes[deck.pictures.labels[i]]} taken for {deck.classes[deck.guesses[i, 0]]}"
    for i in deck.misses
]
names, counts = np.unique(pairs, return_counts=True)
for place in np.argsort(-counts, kind="stable")[:5]:
    print(f"{counts[place]:>3}  {names[place]}")

# %% [markdown]
# Look at the pictures. Can you see what misled it: a color, a shape, a relative of the dish? And look at the
# percentages. A network can be wrong and sure of itself at once.
#
# ### It knows what it was shown
#
# A picture is an array, so a change of a picture is a line of NumPy. None of these turns a pizza into something else, in
# your eyes:

# %%
def grey(images):
    """Each pixel's three numbers replaced by their mean."""
    return images.mean(axis=3, keepdims=True).repeat(3, axis=3).astype(np.uint8)


def coarse(images):
    """Each picture in blocks of 8 x 8 pixels."""
    n, height, width, channels = images.shape
    blocks = images.reshape(n, height // 8, 8, width // 8, 8, channels).mean(axis=(2, 4))
    return blocks.repeat(8, axis=1).repeat(8, axis=2).astype(np.uint8)


changes = {
    "as it is": lambda images: images,
    "mirrored": lambda images: images[:, :, ::-1],
    "upside down": lambda images: images[:, ::-1],
    "without color": grey,
    "red and blue swapped": lambda images: images[..., ::-1],
    "a quarter of the light": lambda images: images // 4,
    "in coarse blocks": coarse,
}

some, truth = deck.pictures.images[:measured], deck.pictures.labels[:measured]
accuracies = {}
for name, change in changes.items():
    said = models.predict(network, np.ascontiguousarray(change(some)))
    accuracies[name] = float(np.mean(said.argmax(axis=1) == truth))
figs.change_bars(accuracies, len(some))

# %% [markdown]
# Which changes did it shrug off? Which ones broke it? A network
# puts up with what it was shown while it learned, and with what leaves alone the things that it looks at. Nobody has told
# it that a pizza is a pizza in the dark. Try single plates:
#
# 1. Find a plate that survives every change but one.
# 2. Swap red and blue. What does it say now, and does it make sense?
# 3. Find a wrong answer with a probability of over 90 %.

# %% tags=["demo"]
figs.change_explorer(
    deck.pictures.images[:24],
    deck.pictures.labels[:24],
    deck.classes,
    changes,
    lambda images: models.predict(network, images),
)

# %% [markdown]
# That is no quirk of small networks. Photos of ordinary things on unusual grounds and from unusual sides cost the best
# object recognizers of their day 40 to 45 % of their performance
# ([ObjectNet, Barbu et al. 2019](https://proceedings.neurips.cc/paper_files/paper/2019/hash/97af07a14cacba681feacf3012730892-Abstract.html)). An average can hide it, too: commercial programs
# that tell men from women in photos were wrong on at most 0.8 % of lighter-skinned men, and on up to 34.7 % of
# darker-skinned women ([Buolamwini and Gebru 2018](https://proceedings.mlr.press/v81/buolamwini18a.html)).
#
# ### It always answers
#
# Give it a picture with no food at all. Its probabilities add up to 1, over the dishes that it knows. "None of these" is
# not one of them.

# %%
rng = np.random.default_rng(seed)
nothing = {
    "noise": rng.integers(0, 256, (128, 128, 3), dtype=np.uint8),
    "black": np.zeros((128, 128, 3), np.uint8),
    "white": np.full((128, 128, 3), 255, np.uint8),
}
for name, picture in nothing.items():
    said = models.predict(network, picture[None])[0]  # [None] makes it a batch of one
    print(f"{name}: {deck.classes[said.argmax()]}, with {said.max():.0%}")

# %% [markdown]
# | reach for deep learning where | be careful where |
# |---|---|
# | you can show examples, but not write the rule | you can write the rule: then write it |
# | there are many examples, like those to come | examples are few, or the world will look different |
# | a wrong answer now and then can be borne | a wrong answer harms, and nobody checks |
# | you can measure on pictures it has never seen | all you have is the training set |
# | "one of these" is always true | "none of these" happens |
#
# MealoMi is a fair case: plates are many, rules are hopeless, and whoever eats can correct it. But it should show five
# guesses, with how sure it is, and let you choose. It will.
#
# ## 8. Stretch: find the hard ones yourself
#
# The hard course needs one number for each picture: **at which guess** the network is right, its **rank**. 1 is the first
# guess.
#
# **By hand**, with the table of section 4: picture 0 has the label 2, with score 4. One dish scores higher, so its rank
# is 2. Picture 1: nothing is higher than 5, rank 1. Picture 2 has the label 0, with score 3; the dishes with 8 and 6
# stand before it: rank 3.
#
# Once you have the ranks, top-$k$ accuracy is the share of ranks that are at most $k$. And the hard course is one line, up
# to the order of pictures of the same rank: `np.argsort(-correct_rank(deck.probabilities, deck.pictures.labels))[:7]`.
#
# ### Exercise: `correct_rank`

# %% exercise="00.correct_rank"
def correct_rank(scores, labels):
    """At which guess each picture's right dish stands.

    Parameters
    ----------
    scores : numpy.ndarray
        (N, K) floats. No two scores in a row are equal.
    labels : numpy.ndarray
        (N,) int64, each from 0 to K - 1.

    Returns
    -------
    numpy.ndarray
        (N,) whole numbers from 1, the best guess, to K. The inputs are left as they are.

    Example
    -------
    >>> scores = np.array([[7.0, 1.0, 4.0, 0.0], [2.0, 5.0, 1.0, 3.0], [3.0, 8.0, 2.0, 6.0]])
    >>> correct_rank(scores, np.array([2, 1, 0])).tolist()
    [2, 1, 3]
    """
    ### BEGIN SOLUTION
    own = scores[np.arange(len(labels)), labels][:, None]
    return 1 + (scores > own).sum(axis=1)
    ### END SOLUTION

# %% check="00.correct_rank"
check("00.correct_rank", correct_rank)

# %% [markdown]
# ## Quiz
#
# Write a letter for each, for example `answer_1 = "a"`.
#
# **1.** A network knows five dishes. What is its top-5 accuracy on plates of these dishes?
#
# - a) about 20 %
# - b) it depends on how well it was trained
# - c) 80 %
# - d) 100 %
#
# **2.** The accuracy rises from 96 to 97 %. What is the error reduction?
#
# - a) 1 %
# - b) 25 %
# - c) 75 %
# - d) 33 %
#
# **3.** How many numbers is a color picture of 64 rows and 64 columns?
#
# - a) 4,096
# - b) 128
# - c) 12,288
# - d) 1,048,576, which is 64 · 64 · 256
#
# **4.** In the ImageNet chart, what is the line at 5.1 %?
#
# - a) the error of one person, who had practiced, on 1500 photos
# - b) the error of people on average
# - c) the error of the best network of 2014 on the photos that a person labeled
# - d) the lowest error that a person could have
#
# **5.** Why does the game use test pictures, and not training pictures?
#
# - a) They are harder.
# - b) The network has not seen them: only there can you find out what it has learned, and not what it has memorized.
# - c) They have the size that the network needs.
# - d) They hold more dishes.

# %% exercise="00.quiz"
### BEGIN SOLUTION
### STUB answer_1 = None
### STUB answer_2 = None
### STUB answer_3 = None
### STUB answer_4 = None
### STUB answer_5 = None
answer_1 = "d"
answer_2 = "b"
answer_3 = "c"
answer_4 = "a"
answer_5 = "b"
### END SOLUTION

# %% check="00.quiz"
check("00.quiz", answer_1, answer_2, answer_3, answer_4, answer_5)

# %% [markdown]
# ## What you know now
#
# - A classifier scores every class. Accuracy asks for its first guess, top-$k$ accuracy for its first $k$.
# - Near the top look at errors, not at accuracies, and ask who was measured, on what.
# - To a machine a picture is a table of bytes, and a label is a row with a single 1.
# - A network is as good as its examples: it is at home where new pictures look like them, and it answers everywhere else
#   as well.
#
# ### Cheat sheet
#
# | what | formula | shape |
# |---|---|---|
# | accuracy | share of pictures with prediction = label | $(N,), (N,) \to$ one number |
# | error | $1 -$ accuracy | |
# | top-$k$ accuracy | share of pictures whose label is among the $k$ best scores | $(N, K), (N,) \to$ one number |
# | rank | $1 +$ how many dishes score higher than the right one | $(N, K), (N,) \to (N,)$ |
# | error reduction | $(e_{\text{old}} - e_{\text{new}}) / e_{\text{old}}$ | one number |
# | standardize | $(x - \mu_c)/\sigma_c$, over pictures, rows and columns | $(N, H, W, C)$ |
# | one-hot | 1 in column *label*, 0 elsewhere | $(N,) \to (N, K)$ |
#
# ### Next
#
# Before deep networks people wrote down features by hand and let a simple rule do the rest. Chapter 01 does just that
# with the same plates, for two questions: *which dish?* and *how many kilocalories?* It is the best way to find out what
# a network has to beat.
#
# ### Further reading
#
# - Andrej Karpathy, [What I learned from competing against a ConvNet on ImageNet](https://karpathy.github.io/2014/09/02/what-i-learned-from-competing-against-a-convnet-on-imagenet/):
#   the human side of the chart, with the game that he played.
# - Olga Russakovsky and others, [ImageNet Large Scale Visual Recognition Challenge](https://arxiv.org/abs/1409.0575),
#   2015: how the data were made, and five years of results.
# - Michael Nielsen, [Neural Networks and Deep Learning](http://neuralnetworksanddeeplearning.com): a free book that goes
#   well with chapters 02 to 07.
# - Goodfellow, Bengio and Courville, [Deep Learning](https://www.deeplearningbook.org/contents/intro.html), chapter 1: where
#   the field comes from.
# - Stanford's [cs231n](https://cs231n.github.io/classification/): image classification, its difficulties and its data.
# - Andrej Karpathy, [ConvNetJS](https://cs.stanford.edu/people/karpathy/convnetjs/): networks that train while you watch.
