# %% [markdown]
# # 00 Why deep learning?
#
# Here are twelve plates. You recognize what is on them without thinking about it. Could you write a program that does
# the same?

# %%
from introdl import data

plates = data.plates()
plates

# %% [markdown]
# Every picture comes with the name of the dish, its mass in grams, its energy in kilocalories, and a blue box around
# the food. None of these are photographs. They are rendered: a program builds each plate as a scene of its own, lights
# it, and traces the light to a virtual camera. That is why we know exactly what lies on each of them, and why they can
# come with the course. It also means that they are easier than the photographs you would take at your own table.
# Chapter 11 shows how much easier.
#
# In this course you build **MealoMi**, an app that looks at a plate and tells you all of this by itself: which dish it
# is, how much of it there is, and how many kilocalories it has. It does so with a deep network, and you write every
# part of that network.
#
# **When you are done with this chapter, you can**
#
# - say how good a classifier is, with one guess and with five, and how much better it is than another;
# - read a picture the way a machine does, as an array of numbers, and prepare it for a network;
# - write the right answer in a form that you can compare with a network's output;
# - say what deep learning is good at, and what it is not, from measurements of your own.
#
# **What you build**: `accuracy`, `top_k_accuracy`, `error_reduction`, `standardize`, `one_hot` and `correct_rank`,
# which together keep the score in a game between you and a network.
#
# **Time**: about 95 minutes. **You need**: Python (functions, loops) and a little NumPy (arrays, indexing).
#
# Run a cell with **Shift + Enter**. Try it on the next one.

# %%
import numpy as np

from introdl import check, figures, game, hint, models
from introdl.figures import why as figs

figures.use_style()

# %% tags=["parameters"]
seed = 0  # of the normal course's draw
measured = 200  # test pictures on which the changes of section 7 are measured

# %% [markdown]
# ## 1. A game: you against a network
#
# Before anything is explained, play. You see a plate and have **five guesses**; so does the computer. A plate counts
# for whoever has its dish among the five. It is HUMAN against COMPUTER over seven plates. Whoever gets more of them
# wins; if you both get the same number, whoever needed fewer guesses wins.
#
# - Type a dish, or part of its name, and press **Enter**. (Leaving the field also counts as a guess.) The list shows
#   all the dishes. You can play without a mouse, with **Tab** and **Space**.
# - When a picture is done, *The computer's guesses* shows what it would have said, with its probabilities.
# - On the *normal* course it will be a close game. On the *hard* course, which is hard for the computer and not for
#   you, the odds are in your favor. The numbers are below.
#
# The game is saved on your machine. Run the cell again, tomorrow if you like, and it picks up where you left off.

# %% tags=["demo"]
game.play(seed=seed)

# %% [markdown]
# **Who is the computer?** A real network, and a small one. It was trained on other plates of the same dishes. None of
# the plates in the game were among them: these are **test pictures**, held back so that the network gets no credit
# for what it has memorized.
#
# **How are the plates chosen?** By the program, not by hand.
#
# - *Normal*: seven drawn at random from all test pictures. Game 2 makes a new draw.
# - *Hard*: the network is asked about every test picture, and the ones where its first guess is wrong are put in
#   order, the worst first. The further down its list the right dish appears, the worse the miss; when two pictures tie,
#   the one whose right dish got less probability is worse. Game 1 has the seven worst, game 2 the next seven.
#
# So the hard course is unfair, on purpose: it shows you where the network's limits are. We come back to them in
# section 7.
#
# **What are the odds?** The network has answered every test picture once, and the game keeps the record. So we can deal
# 2,000 games from those pictures, look up how many guesses the computer needs in each, and compare. Your own side has
# to be assumed: suppose that you name a certain share of the plates with your first guess, and all others with your
# second.

# %%
deck = game.deck()
network = models.pretrained("plates")
print(f"{len(deck.pictures):,} test pictures of {len(deck.classes)} dishes")
print(f"{sum(weights.numel() for weights in network.parameters()):,} numbers inside the network, all learned")
print(f"first guess wrong: {len(deck.misses)} pictures, all five guesses wrong: {np.sum(deck.ranks > 5)}")
print()
print(f"{'your first guess is right':<31}normal: win  draw  lose{'hard: win':>21}  draw  lose")
for at_once in (1.0, 0.95, 0.9, 0.8):
    normal, hard = (game.odds(deck, course, at_once, seed=seed) for course in game.COURSES)
    shares = "               ".join("".join(f"{share:6.0%}" for share in course) for course in (normal, hard))
    print(f"{at_once:.0%} of the time".ljust(36) + shares)
print(f"\nhard course, game 1: the computer needs these guesses: {deck.ranks[deck.draw('hard', 1)].tolist()}")

# %% [markdown]
# On the normal course the computer's first guess is right on all seven plates in 62 % of the games, and then the best
# you can get is a draw. The other 38 % are there to be won. Name every plate on your first guess, and you never lose; name 19 of
# 20, and you win more often than you lose; slip more often than the computer does, and it wins more often than you
# do. On the hard course its first guess is wrong every time, so you can afford a second guess now and then.

# %% [markdown]
# ## 2. The course
#
# How do you get from an array of numbers to "doughnut, 60 g, 253 kcal"? One part at a time:

# %%
figs.course_map()

# %% [markdown]
# ## 3. Accuracy, and how the checks work
#
# Keeping score takes a rule. The simplest one is the **accuracy**: the share of pictures whose first guess is right.
#
# **By hand.** Take four plates. (Dishes have numbers: 0 is pizza, 1 is burger, and so on.) The network says 3, 1,
# 0, 2. The true answers, called **labels**, are 3, 1, 4, 2. Three of the four agree, so the accuracy is 3/4 = 0.75. The
# **error** is the rest: 1 − 0.75 = 0.25.
#
# This is your first exercise. It takes one line, so use it to get to know how exercises work.
#
# 1. The cell below holds a function with a **docstring**, which says what goes in and what comes out, and gives an
#    example. Run the cell, and then the `check` below it, without changing anything. It says *not started yet*.
# 2. Replace `raise NotImplementedError` with `return np.sum(predictions == labels)`, and run both cells again. That
#    counts the right answers, but a count is not a share. The check recognizes this mistake and names it, as it does
#    many others.
# 3. Turn the count into a share, and run both cells once more. You will see a check mark and your points.
# 4. Stuck? Run the cell with `hint`. Each time you run it, it shows one more hint, and each is plainer than the last.
#
# You can check as often as you like; nothing is sent anywhere. Your best result is kept on this machine, and `introdl
# progress` or the start page shows how far you have come.

# %% exercise="00.accuracy"
def accuracy(labels, predictions):
    """Share of pictures whose prediction is right.

    Parameters
    ----------
    labels : numpy.ndarray
        (N,) int64: the right dish of each picture.
    predictions : numpy.ndarray
        (N,) int64: the dish that the network names for each picture.

    Returns
    -------
    float
        From 0 to 1.

    Example
    -------
    >>> float(accuracy(np.array([3, 1, 4, 2]), np.array([3, 1, 0, 2])))
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
# A network does not name just one dish. It gives every dish a **score**, and the dish with the highest score is its
# first guess. (Such a raw score is also called a **logit**.) Sort the scores, and you have its second guess
# and its third. In the game a picture counts when its dish is among the five best, and the share of pictures that
# count in this way is the **top-5 accuracy**. With $k$ guesses it is the **top-$k$ accuracy**.
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
# What you need is *which* dishes score best, not *how high* they score. `np.sort` gives you the scores. `np.argsort`
# gives you their positions, and a position is a dish:

# %%
row = np.array([7.0, 1.0, 4.0, 0.0])
print("sort   :", np.sort(row))
print("argsort:", np.argsort(row), "  the dish with the lowest score first, the best last")

# %% [markdown]
# ### Exercise: `top_k_accuracy`
#
# scikit-learn and torch have this ready-made. In this chapter the check does not accept them: write it in NumPy.

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
# And how does the game's network do on all the test pictures? (This cell uses the game's own count. When your
# function is ready, try `top_k_accuracy(deck.probabilities, deck.pictures.labels, 5)` in a cell of your own. The two
# must agree.)

# %%
for k in (1, 2, 3, 5, len(deck.classes)):
    print(f"top-{k:<2} accuracy: {np.mean(deck.ranks <= k):.3f}")

# %% [markdown]
# The last line is 1, and it would be for any network at all: with as many guesses as there are dishes, nobody can be
# wrong. So when you read a top-5 accuracy, ask *top five of how many?* Five out of our twenty dishes is a generous
# rule. Five out of a thousand is not, and that is the next story.
#
# ## 5. 2012: deep networks win the ImageNet challenge
#
# From 2010 to 2017 the ImageNet challenge asked one question every year: what is in this photo, out of **1000** kinds
# of things, with five guesses? There were about 1.2 million photos to learn from, and 100,000 hidden ones (150,000
# in 2010) to be tested on. Here is the **top-5 error** of each year's winner:

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
# All figures are for entries that used the challenge's own training photos only. (With more photos AlexNet reached
# 15.3 %.) The test photos of 2010 and 2011 were not those used from 2012 on, so be careful when you compare these two bars
# with the rest. The gray bars are entries that used features designed by people; the blue ones learned their features.
# You will meet two of their ideas again: VGG's stacks of 3 × 3 kernels in chapter 03, and ResNet's shortcuts in
# chapter 11.
#
# ### How good is a person?
#
# In 2014 Andrej Karpathy made himself the human competitor. He practiced on 500 photos, with the thousand categories
# in view, and then labeled 1500 test photos, at about one a minute. He was wrong on 5.1 % of them, about 76 photos
# ([his own
# account](https://karpathy.github.io/2014/09/02/what-i-learned-from-competing-against-a-convnet-on-imagenet/); the
# study is section 6.4 of [Russakovsky et al. 2015](https://arxiv.org/abs/1409.0575)). GoogLeNet's error on the same
# photos was 6.8 %. A second person, who had practiced on only 100 photos, labeled 258 of them and was wrong on
# 12.0 %.

# %%
p = 76 / 1500
luck = np.sqrt(p * (1 - p) / 1500)  # the standard error of a share
print(f"his error: {p:.3f} ± {luck:.3f}: other photos would have given a slightly different number")

# %% [markdown]
# So "better than a human" means better than **one** careful person, who had practiced, on **one** set of photos. It
# does not mean "better than people see". When human accuracy was measured anew, with five trained people, and every label that is true of
# a photo was accepted, only the latest networks of 2020 matched the best of them, and on everyday objects people were
# still ahead ([Shankar et al. 2020](http://proceedings.mlr.press/v119/shankar20c.html)). You may have noticed
# something similar on the hard course.
#
# ### Error reduction
#
# From 2014 to 2015 the error fell from 6.7 to 3.6 %. In other words, the accuracy rose from 93.3 to 96.4 %, which
# sounds like much less, although it is the same fact. Near the top, accuracy hides progress. So ask instead: **what
# share of the mistakes is gone?**
#
# **By hand.** Out of 100 pictures, 20 used to be classified wrong, and now 15 are. The accuracy went from 0.80 to 0.85. Five of the twenty
# mistakes are gone: an error reduction of $5/20 = 0.25$, a quarter.
#
# $$\text{error reduction} = \frac{e_{\text{old}} - e_{\text{new}}}{e_{\text{old}}}, \qquad e = 1 - \text{accuracy}$$
#
# - $e_{\text{old}}, e_{\text{new}}$: the errors before and after, numbers from 0 to 1.
# - The result is 1 when no mistake is left, 0 when nothing has changed, and negative when there are more mistakes than
#   before.
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
# ### DeepFace: the same person, or not?
#
# In 2014 a group at Facebook published DeepFace, a network that looks at two photos and says whether they show the
# same person. On the test set *Labeled Faces in the Wild* it was right on **97.35 %** of the pairs, "reducing the
# error of the current state of the art by more than 27 %" ([Taigman et al.
# 2014](https://doi.org/10.1109/CVPR.2014.220)). That state of the art was 96.33 % ([Cao et al.
# 2013](https://doi.org/10.1109/ICCV.2013.398)). People who see only the cropped faces, as DeepFace did, are right on
# 97.53 % ([Kumar et al. 2009](https://doi.org/10.1109/ICCV.2009.5459250)).

# %%
right = {"best before (2013)": 96.33, "DeepFace (2014)": 97.35, "people, cropped faces": 97.53}
figs.verification_errors({name: 100 - share for name, share in right.items()})

# %% [markdown]
# Is the claim true? Run `error_reduction(0.9633, 0.9735)` in a cell of your own. (It is one of the check's cases,
# too.) One percentage point of accuracy is more than a quarter of the mistakes. Both statements are correct, and a
# headline can pick whichever sounds better. In chapter 13 you build such a verifier, for plates, and we discuss what
# to ask before you do it with faces.
#
# ## 6. A picture as numbers
#
# You see a doughnut. The machine gets this:

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
# 2. Find a white spot. Which three numbers make white? And what makes a dark spot?
# 3. Choose *red*, then *blue*. Where do the two differ most?

# %% tags=["demo"]
figs.pixel_window(plate)

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# At the edge of the plate all three channels jump together, because the edge is a change of brightness more than of
# color. White is three large numbers, all near 255, and a dark spot is three small ones; a pixel is gray when all
# three are about equal. Red and blue differ most on the dough: browns and yellows have a lot of red and little blue.
# </details>

# %%
figs.channels(plate)

# %% [markdown]
# Nothing in these numbers says "doughnut", and the next picture of one has completely different numbers. That is why
# nobody could write the program by hand: what rule would you give for the number in row 60, column 60?
#
# Many pictures together are one array of shape $(N, H, W, C)$: pictures, rows (height), columns (width), channels. In
# later chapters, as in PyTorch, the channels come first: $(N, C, H, W)$. Always check which of the two you have.
#
# ### Center and scale
#
# Bytes are an awkward unit for a network: it learns faster from numbers that are centered on 0 and neither huge nor
# tiny ([LeCun et al. 1998](http://yann.lecun.com/exdb/publis/pdf/lecun-98b.pdf), section 4.3). So each channel is
# **standardized**: you subtract its mean and divide by its **standard deviation**, the typical distance from the mean.
# (Many libraries call this step *normalize*.)
#
# $$x' = \frac{x - \mu_c}{\sigma_c}$$
#
# - $x$: one number of a picture, in channel $c$; $x'$: the standardized number.
# - $\mu_c, \sigma_c$: mean and standard deviation of channel $c$ over **all** pictures, rows and columns. That is two
#   numbers per channel, whatever the size of the pictures.
#
# **By hand**, for one channel with the four values 2, 4, 4, 6: the mean is 4. The distances are −2, 0, 0, 2; their
# squares 4, 0, 0, 4 have a mean of 2, and the square root of 2 is 1.414. So the values become −1.414, 0, 0, 1.414.

# %%
figs.before_and_after(train.images[:200, ::2, ::2])

# %% [markdown]
# **Beware of bytes.** A byte can hold neither negative numbers nor anything above 255. When a result does not fit, it
# wraps around to the other end, without any warning:

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
# The game's network does the same with every picture that it is given. The numbers it uses, for bytes divided by 255,
# are on its card, the file that describes it:

# %%
print("mean of red, green, blue:", np.round(network.card.mean, 3))
print("standard deviation:      ", np.round(network.card.std, 3))

# %% [markdown]
# They were measured once, on the training pictures. Test pictures are standardized with the *same* numbers, not with their
# own; otherwise the test pictures would influence how they are prepared.
#
# ### Labels as numbers: one-hot
#
# Names are not numbers, so the dishes are numbered: pizza is 0, burger is 1. But burger is not "more" than pizza, and the
# order means nothing. A network therefore has one output **for each dish**, and the right answer is written in the same
# form: 1 for the right dish and 0 for all others. Such a row is called **one-hot**.
#
# **By hand.** Four dishes, and the labels 2, 0, 2:
#
# $$\begin{bmatrix} 2 \\ 0 \\ 2 \end{bmatrix} \quad\to\quad \begin{bmatrix} 0 & 0 & 1 & 0 \\ 1 & 0 & 0 & 0 \\
# 0 & 0 & 1 & 0 \end{bmatrix}$$
#
# The last dish does not occur among these labels, but it has a column all the same.
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
# Now the two sides can be compared. For each plate the network gives a row of probabilities, one for each dish, and the
# right answer is a row of the same length. A single number that says how far apart they are is the **loss** (chapter 05),
# and learning means making it small (chapters 06 and 07). That is the whole plan.
#
# ## 7. What deep learning is good at, and what it is not
#
# Deep learning is the right tool where **you can show examples, but cannot state the rule**. You know a doughnut when you
# see one, and you can give a thousand examples, but you cannot write down what makes it one. Pictures, sound and language
# are like that. How well it does in a given case has to be measured, so let us measure.
#
# ### The network gets some plates wrong
#
# Here are the plates on which the game's network does worst. In parentheses is the probability that it gave to each
# answer.

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
# Look at the pictures. Can you see what misled it: a color, a shape, a dish that looks much the same? Then look at
# the percentages. How confident was it when it was wrong?
#
# <details><summary>What you should have seen</summary>
#
# One dish stands out: ice cream is missed far more often than any other. The program that renders the plates knows
# eleven flavors, each with its own color, and heaps up to four scoops, so no color and no outline gives ice cream
# away. Most of these wrong answers come with little confidence, often below one half. But not all of them: one of the
# eight has 81 %, so a high probability is no guarantee.
# </details>
#
# ### The network generalizes only so far
#
# To get new pictures right is to **generalize**. New pictures of the same kind are the easy case. What about pictures
# that differ from everything in the training set? A picture is an array, so you can change it with a line of NumPy.
# To your eyes, none of these changes turns a pizza into something else:

# %%
def gray(images):
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
    "without color": gray,
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
# Mirroring costs nothing. Turning a plate upside down, or into coarse blocks, costs something. Take away the color,
# swap red and blue, or turn down the light, and fewer than one plate in ten is still named. A network copes with the
# variations that it saw in training, and with those that do not affect the features it relies on. Nobody has shown it
# that a pizza in the dark is still a pizza. Try single plates:
#
# 1. Find a plate that survives every change but one, and one that survives them all. (Try the doughnuts.)
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
# <details><summary>What to look for</summary>
#
# Number 15, a doughnut, is lost only without its color, and number 16, another doughnut, is named every time. With
# red and blue swapped, nearly everything is called a doughnut. Brown food turns blue, and among the training plates
# it is the doughnuts, with their colored icing, that show the most blue. Here you also find wrong answers above 90 %:
# number 3, a soup, is one. The probabilities say which of the known dishes fits best, and not how familiar the
# picture is.
# </details>
#
# This is no quirk of small networks. On photos of ordinary objects with unusual backgrounds and from unusual angles,
# the best object recognizers of their day lost 40 to 45 percentage points of accuracy ([ObjectNet, Barbu et al.
# 2019](https://proceedings.neurips.cc/paper_files/paper/2019/hash/97af07a14cacba681feacf3012730892-Abstract.html)),
# of which about 10 to 15 came back when only the object was shown, without the scene around it ([Borji
# 2020](https://arxiv.org/abs/2004.02042)). A good average can hide such a weakness, too. Three commercial programs
# that tell men from women in photos were wrong on at most 0.8 % of lighter-skinned men, but on up to 34.7 % of
# darker-skinned women ([Buolamwini and Gebru 2018](https://proceedings.mlr.press/v81/buolamwini18a.html)).
#
# ### The network always answers, even without any food
#
# Now give the network a picture with no food at all. Its probabilities add up to 1 over the dishes that it knows, and
# "none of these" is not among them.

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
# | use deep learning where | be careful where |
# |---|---|
# | you can show examples, but cannot write the rule | you can write the rule: then write it |
# | there are many examples, and they resemble the cases to come | examples are few, or the cases to come will look different |
# | an occasional wrong answer is acceptable | a wrong answer does harm, and nobody checks |
# | you can measure on pictures it has never seen | all you have is the training set |
# | the answer is always one of the known classes | "none of these" happens |
#
# MealoMi is a good case for it: pictures of plates are plentiful, nobody can write down the rules, and the person who
# eats can correct a wrong answer. But it should show five guesses with their probabilities, and let you choose. It
# will.
#
# ## 8. Stretch: the rank of the right dish
#
# The hard course needs one number for each picture: **on which guess** the network is right. That number is the
# **rank** of the right dish; rank 1 is the first guess.
#
# **By hand**, with the table of section 4: picture 0 has the label 2, with score 4. One dish scores higher, so its
# rank is 2. Picture 1: nothing is higher than 5, rank 1. Picture 2 has the label 0, with score 3; the dishes with 8
# and 6 come before it, so its rank is 3.
#
# Once you have the ranks, top-$k$ accuracy is the share of ranks that are at most $k$. And the hard course is one line, apart
# from the order of pictures with the same rank: `np.argsort(-correct_rank(deck.probabilities, deck.pictures.labels))[:7]`.
#
# ### Exercise: `correct_rank`

# %% exercise="00.correct_rank"
def correct_rank(scores, labels):
    """On which guess each picture's right dish comes up.

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
# **3.** How many numbers are there in a color picture with 64 rows and 64 columns?
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
# - b) The network has not seen them, so they show what it has learned rather than what it has memorized.
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
# - A classifier gives a score, or logit, to every class. Accuracy looks at its first guess, top-$k$ accuracy at its first
#   $k$.
# - Near the top, compare errors instead of accuracies, and ask who was measured, and on what.
# - To a machine a picture is an array of bytes, and a label is a row with a single 1.
# - A network generalizes to pictures that resemble its examples. It answers for all others as well, often with
#   great confidence.
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
# ### Words
#
# - **accuracy**: the share of pictures whose first guess is right.
# - **channel**: one of the numbers that each pixel has, taken over the whole picture; a color picture has three: red,
#   green and blue.
# - **class**: one of the answers that a classifier chooses between; here a dish. There are $K$ of them.
# - **error**: $1 -$ accuracy, also called the error rate.
# - **error reduction**: the share of the mistakes that is gone.
# - **generalization**: being right about pictures that were not among the examples.
# - **label**: the number of the true class of a picture.
# - **logit**: a score as the network gives it, before anything makes it a probability.
# - **one-hot encoding**: a label as a row of $K$ numbers, a single 1 and zeros.
# - **rank**: the guess on which the true class comes up, counted from 1.
# - **score**: a number that says how strongly the network favors a class; the class with the highest one is its
#   guess.
# - **standardization**: shifting and scaling numbers so that their mean is 0 and their standard deviation 1, here for
#   each channel.
# - **top-$k$ accuracy**: the share of pictures whose true class is among the $k$ best scores.
#
# ### Next
#
# Before deep networks, people designed features by hand and let a simple model do the rest. Chapter 01 does just that
# with the same plates, for two questions: *which dish?* and *how many kilocalories?* It is the best way to find out
# what a network has to beat.
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
