"""`whorl demo backtest`: timing the stock market of the United States by forecasts, from 1947 to 2023."""

from typing import TYPE_CHECKING

from whorl.cli.demos.stage import Stage
from whorl.cli.output import show, tell, wants_json

if TYPE_CHECKING:
    from whorl.backtesting.result import Backtest

NAME, EPOCHS = "index", 20

_CONTEXT, _HORIZON, _UNITS = 24, 2, 16


def run(stage: Stage) -> None:
    """What cannot be traded shows an edge; what can shows whether there is one. The last decision is for next month."""
    import whorl
    from whorl import datasets

    columns = datasets.load("shiller")
    count = len(columns["month"])
    data = stage.write("index.csv", columns, 0, count)
    tell(
        f"Stocks of the United States in {count:,} months from 1871 on (Shiller, public domain), in {data}.",
        "Prices are means of the days of a month. At the end of each month a model decides to hold stocks or cash.",
    )
    model = whorl.Forecaster(
        target="return",
        time="month",
        horizon=_HORIZON,
        context=_CONTEXT,
        table=whorl.Table(kinds={"price": "ignore", "dividend": "ignore"}),
        network=whorl.Recurrent("gru", hidden_size=_UNITS),
        training=whorl.Training(epochs=stage.epochs, seed=0),
    )

    def tested(delay: int) -> "Backtest":
        return whorl.backtest(
            model,
            data,
            price="price",
            trading=whorl.Trading(delay=delay, dividends="dividend", cash_column="rate"),
            folder=stage.home / "answers",
            verbose=False,
        )

    cheating, found = tested(0), tested(1)
    ratios = ", ".join(
        f"{one.name} {one.worth.sharpe:.2f} ± {one.worth.sharpe_error_correlated:.2f}" for one in cheating.accounts[:-1]
    )
    tell("", "Traded at the mean of the month that the decision was made from, which nobody can, Sharpe ratios are:")
    tell(f"  {ratios}", "", f"Traded at the mean of the next month, {stage.passes} each fit:", *found.lines())
    model.fit(data, verbose=False).save(stage.model)
    page = stage.home / "backtest.html"
    found.write(page)
    stocks = f"{100 * found.decided[-1]:.0f} % stocks"
    tell(
        "",
        f"decided after {columns['month'][-1][:7]}, to be traded in the month after: {stocks}",
        "",
        f"model: {stage.model}, fitted to all months",
        f"page: {page}",
        f"took {stage.seconds:.0f} s; next:",
        f"  whorl backtest {data} --price price --target return --time month --horizon {_HORIZON} "
        f"--context {_CONTEXT} --kinds price=ignore,dividend=ignore --dividends dividend --cash-column rate",
        f"  whorl inspect {stage.model}",
    )
    if wants_json():
        show({"model": str(stage.model), "page": str(page), "test": found.to_dict()}, [])
