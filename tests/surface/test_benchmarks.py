"""The pages of the benchmarks say what the committed results say."""

from benchmarks import classic_page, page


def test_the_page_and_its_picture_are_those_of_the_results():
    page.main(["--check"])


def test_the_page_of_the_classic_experiments_and_its_picture_are_those_of_the_results():
    classic_page.main(["--check"])
