from hardsight.evaluation.wording import tags


def test_reasons_are_taken_together_and_other_flags_stay():
    flags = ("unreliable: square: It wins: by far.", "unreliable: step: It wanders.")
    assert tags(flags) == ("unreliable: square, step",)
    assert tags(("not audited",)) == ("not audited",)
    assert tags(("audited in part", *flags)) == ("audited in part", "unreliable: square, step")
    assert tags(()) == ()
    assert tags((*flags, *flags)) == tags(flags)
