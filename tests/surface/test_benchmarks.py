"""The page of the benchmarks says what the committed results say."""

from benchmarks import page


def test_the_page_and_its_picture_are_those_of_the_results():
    page.main(["--check"])
