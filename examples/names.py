"""Names that nobody has: two small models learn what first names sound like, and make up new ones.

Both guess the next letter. The first sees the last three letters, as vectors, through one hidden
layer (Bengio et al. 2003, as in A. Karpathy's makemore); the second sees all letters so far through
one layer of attention (Vaswani et al. 2017). To guess by counting pairs of letters costs 2.45 nats
a letter on these names; both models beat that.

Where `names.txt` is not to be had, they learn from a short list that stands in this file.

    python examples/names.py [--data FOLDER] [--seed N] [--out FOLDER] [--epochs N]
"""

import argparse
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import autograd_bp as ab
import viz
from autograd_bp import Tensor, datasets, nn, optim
from viz import charts

Integers = NDArray[np.int64]
Array = NDArray[Any]

CONTEXT = 3  # letters that the first model sees
LONGEST = 15  # letters of a name, at most
SHOWN = 20  # names made up by each model
PADDING = -1  # in the place of an answer: there is nothing to guess here

LIST = """
ada adam adele agnes aileen alan albert alda alena alice alma alva amara amelia amos ana andrea
anita anna anton arlo arno asta astrid aurora avery axel basil beata bella benno berta bianca boris
bruno cara carla carlo celia cesar clara clemens cora cosima dalia damian dana daria delia diana
dora edda edgar edith elena eli elias elin elisa ella elmar elsa elvira emil emilia emma enid erik
erna ester eva fabian felix fenja fiona flora frida georg gerda gina greta gunnar hanna hannes
harald heidi helen helena henry hilda hugo ida ilona ina ines inga ingrid iris irma isaac isabel
ivan ivo jana jasper joel johanna jonas julia julian jutta karin karla kira klara lara lars laura
lea lena leo leon lilian linda linus lisa liv lora lorena louis lucas lucia luna luisa magda maja
malin marco maren maria marina mario marta martin mathis maya mila milan milo mina mira miriam mona
nadia nadine nela nico nils nina noah nora norman odin olga oliver olivia oscar otto paul paula
petra philip pia quentin rafael ramona rasmus renata rita robin roland rosa rosalie ruben ruth
sabina samuel sara sebastian selma simon sina sofia sonia stella sven tamara tara thea theo thomas
tilda timo tobias tom ulla una ursula valentin vera victor viola walter wanda wilma xenia yara
yvonne zara zelda zoe
"""


class Letters:
    """The letters of a list of names, numbered from 1; 0 is the end of a name, and its start."""

    def __init__(self, names: Sequence[str]) -> None:
        self.letters = [".", *sorted(set("".join(names)))]
        self.numbers = {letter: number for number, letter in enumerate(self.letters)}

    def __len__(self) -> int:
        return len(self.letters)

    def encode(self, name: str) -> list[int]:
        """The numbers of a name's letters, and the end.

        >>> Letters(["abba"]).encode("ba")
        [2, 1, 0]
        """
        return [self.numbers[letter] for letter in name] + [0]


class MLP(nn.Module):
    """Three letters as vectors, side by side, through a hidden layer to scores of the next."""

    def __init__(self, letters: int, rng: np.random.Generator) -> None:
        settings: Any = {"rng": rng, "dtype": np.float32}
        self.embedding = nn.Embedding(letters, 10, **settings)
        self.hidden = nn.Linear(10 * CONTEXT, 128, **settings)
        self.output = nn.Linear(128, letters, init=nn.init.normal(0.01), **settings)

    def forward(self, x: Integers) -> Any:
        """Scores (N, letters) of the next letter after the last three, x (N, 3)."""
        vectors = self.embedding(x).reshape(len(x), -1)
        return self.output(ab.tanh(self.hidden(vectors)))

    def next_scores(self, before: list[int]) -> Array:
        """The scores of the letter after `before`."""
        context = ([0] * CONTEXT + before)[-CONTEXT:]
        scores: Array = self(np.array([context])).data[0]
        return scores


class Attention(nn.Module):
    """Every letter looks at itself and at those before it, and then guesses the next."""

    def __init__(self, letters: int, rng: np.random.Generator, width: int = 32) -> None:
        settings: Any = {"rng": rng, "dtype": np.float32}
        small = nn.init.normal(0.1)
        self.embedding = nn.Embedding(letters, width, small, **settings)
        self.place = nn.Embedding(LONGEST + 1, width, small, **settings)
        self.norm = nn.LayerNorm(width, dtype=np.float32)
        self.attention = nn.MultiHeadAttention(width, num_heads=4, **settings)
        self.hidden = nn.Linear(width, 4 * width, **settings)
        self.output = nn.Linear(4 * width, letters, **settings)

    def forward(self, x: Integers) -> Any:
        """Scores (N, length, letters) of the letter after each of x (N, length)."""
        h = self.embedding(x) + self.place(np.arange(x.shape[1]))
        h = h + self.attention(self.norm(h), causal=True)
        return self.output(ab.relu(self.hidden(h)))

    def next_scores(self, before: list[int]) -> Array:
        """The scores of the letter after `before`."""
        scores: Array = self(np.array([[0, *before]])).data[0, -1]
        return scores


Model = MLP | Attention


def contexts(names: Sequence[str], letters: Letters) -> datasets.Data:
    """For every letter of every name: the three before it (N, 3), and it (N,)."""
    x, y = [], []
    for name in names:
        before = [0] * CONTEXT
        for number in letters.encode(name):
            x.append(before)
            y.append(number)
            before = [*before[1:], number]
    return datasets.Data(np.array(x), np.array(y))


def whole_names(names: Sequence[str], letters: Letters) -> datasets.Data:
    """Each name with its start (N, 16), and the letter after each place, or `PADDING`."""
    x = np.zeros((len(names), LONGEST + 1), np.int64)
    y = np.full_like(x, PADDING)
    for row, name in enumerate(names):
        numbers = letters.encode(name)
        x[row, 1 : len(numbers)] = numbers[:-1]
        y[row, : len(numbers)] = numbers
    return datasets.Data(x, y)


def loss_of_letters(scores: Any, targets: Integers) -> Any:
    """The mean cross entropy of all letters that are there to be guessed, in nats."""
    known = targets != PADDING
    return nn.cross_entropy(scores[known], targets[known])


class Trained(NamedTuple):
    """A model that has learnt, and how: in nats a letter."""

    model: Model
    history: ab.History


def train(
    model: Model, learnt: datasets.Data, held_out: datasets.Data, epochs: int, batch: int, seed: int
) -> Trained:
    """Adam, its rate falling along half a cosine; the held-out names choose nothing."""
    batches = datasets.batches(*learnt, batch, rng=seed)
    optimizer = optim.Adam(model.parameters(), lr=0.005)
    history = ab.fit(
        model,
        batches,
        loss_of_letters,
        optimizer,
        epochs,
        schedule=optim.CosineAnnealingLR(optimizer, T_max=epochs * len(batches)),
        schedule_every="batch",
        validation=datasets.batches(*held_out, 1000, rng=None),
        keep_best=False,
    )
    return Trained(model, history)


def make_up(model: Model, letters: Letters, rng: np.random.Generator, count: int) -> list[str]:
    """Names, letter by letter, each drawn as likely as the model thinks it is."""
    names: list[str] = []
    with ab.no_grad():
        while len(names) < count:
            numbers: list[int] = []
            while len(numbers) < LONGEST:
                chances = np.asarray(ab.softmax(model.next_scores(numbers).astype(np.float64)))
                number = int(rng.choice(len(letters), p=chances))
                if number == 0:
                    break
                numbers.append(number)
            if numbers:
                names.append("".join(letters.letters[number] for number in numbers))
    return names


def pairs_counted(names: Sequence[str], held_out: Sequence[str], letters: Letters) -> float:
    """Nats a letter when the next is guessed from how often each pair of letters occurs."""
    counts = np.ones((len(letters), len(letters)))
    for name in names:
        numbers = [0, *letters.encode(name)]
        np.add.at(counts, (numbers[:-1], numbers[1:]), 1)
    costs = -np.log(counts / counts.sum(axis=1, keepdims=True))
    pairs = [pair for name in held_out for pair in itertools.pairwise([0, *letters.encode(name)])]
    return float(np.mean([costs[pair] for pair in pairs]))


def load(folder: Path | None) -> tuple[list[str], bool]:
    """The names of `names.txt`, or those of this file where it is absent; and whether it is."""
    try:
        return [name for name in datasets.names(folder) if len(name) <= LONGEST], True
    except datasets.DataMissingError as error:
        print(f"The names are not here, so these are the few in this program. ({error})")
        return LIST.split(), False


def first_loss(model: Model, data: datasets.Data) -> Tensor:
    """The loss of the first name or two: its graph is drawn."""
    loss: Tensor = loss_of_letters(model(data.x[:2]), data.y[:2])
    loss.name = "loss"
    return loss


def main() -> None:
    """Train both, make up names, print every figure and write the pictures."""
    parser = argparse.ArgumentParser(description="Two models that make up first names.")
    parser.add_argument("--data", type=Path, help="folder with names.txt")
    parser.add_argument("--seed", type=int, default=0, help="for everything that is drawn")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
    parser.add_argument("--epochs", type=int, help="times that every name is seen")
    options = parser.parse_args()
    names, published = load(options.data)
    rng = np.random.default_rng(options.seed)
    order = rng.permutation(len(names))
    learnt, held_out = (
        [names[i] for i in part] for part in np.split(order, [round(0.9 * len(names))])
    )
    letters = Letters(names)
    epochs = options.epochs or (3 if published else 12)
    print(f"{len(learnt)} names to learn from, {len(held_out)} held out; {len(letters)} letters")
    print(f"Pairs counted: {pairs_counted(learnt, held_out, letters):.3f} nats a letter, held out")

    options.out.mkdir(parents=True, exist_ok=True)
    makers: list[tuple[str, Model, Callable[..., datasets.Data], int]] = [
        ("mlp", MLP(len(letters), rng), contexts, 128),
        ("attention", Attention(len(letters), rng), whole_names, 32),
    ]
    curves = {}
    for title, model, prepare, batch in makers:
        data = prepare(learnt, letters)
        viz.draw(first_loss(model, data), direction="TB").save(options.out / f"names-{title}.svg")
        size = sum(p.size for p in model.parameters())
        print(f"{title}: {size} parameters, {epochs} epochs")
        trained = train(model, data, prepare(held_out, letters), epochs, batch, options.seed)
        curves[title] = trained.history["validation loss"]
        print(f"  {curves[title][-1]:.3f} nats a letter, held out")
        made = make_up(model, letters, np.random.default_rng(options.seed), SHOWN)
        known = sum(name in set(names) for name in made)
        print(f"  made up ({len(made) - known} of {len(made)} are not on the list):")
        for start in range(0, len(made), 10):
            print("    " + ", ".join(made[start : start + 10]))
        print(f"wrote {options.out / f'names-{title}.svg'}")
    figure = charts.curves(
        curves,
        x=range(1, epochs + 1),
        x_label="epoch",
        y_label="nats a letter, held out",
        title="How well the next letter is guessed",
    )
    charts.save(figure, options.out / "names-curves.png")
    print(f"wrote {options.out / 'names-curves.png'}")


if __name__ == "__main__":
    main()
