"""`whorl demo recommend`: what customers of a synthetic shop put into their baskets next."""

from typing import TYPE_CHECKING

from whorl.cli.demos.stage import Stage
from whorl.cli.output import tell

if TYPE_CHECKING:
    from whorl.tasks.recommendation import Recommender

# A fixed number of steps, so that everybody sees the same scores; so few that two busy cores take about half a minute.
NAME, EPOCHS = "shop", 20

_TRAIN, _TEST = 2500, 500
# A basket that nobody in the log has: two plans at once, of one make.
_BASKET = ("organic flour", "organic tent", "organic sugar", "milk", "organic mat", "organic eggs")


def run(stage: Stage) -> None:
    """Customers of the test part were never seen; a basket of a new one is filled live."""
    import whorl
    from whorl.datasets.shop import visits

    log, others = visits(_TRAIN, seed=1), visits(_TEST, seed=2)
    train = stage.write("train.csv", log, 0, len(log["time"]))
    test = stage.write("test.csv", others, 0, len(others["time"]))
    tell(
        f"A synthetic log, made by a generator, of {_TRAIN + _TEST:,} customers who follow plans: no such shop exists.",
        f"{train} has {_TRAIN:,} of them with {len(log['time']):,} purchases; the others are the test part, in {test}.",
        f"Training, {stage.passes}:",
        "",
    )
    model = whorl.Recommender(
        user="customer",
        item="product",
        time="time",
        k=3,
        embedding_size=48,
        dropout=0.2,
        network=whorl.Recurrent("gru", hidden_size=96),
        training=whorl.Training(epochs=stage.epochs, batch_size=32, learning_rate=6e-3, seed=0),
    )
    model.fit(train, verbose=stage.is_verbose)
    found = stage.score(model, test)
    _fill(model)
    stage.finish(model, found, test)


def _fill(model: "Recommender") -> None:
    """The basket of a new customer, with the three best next products after each one."""
    tell("", "A new customer, live: after each product the three best next ones.", f"  {'bought':16}recommended")
    stream = model.stream()
    for product in _BASKET:
        (answer,) = stream.push(product)
        told = ", ".join(f"{item} {share:.2f}" for item, share in answer.most_likely(3)[0])
        tell(f"  {product:16}{told}")
