using static Lemma.Tests.Cli.InProcess;

namespace Lemma.Tests.Cli;

/// <summary>Guesses ahead of a text change how long it takes, and not the text: drawn or not, by the text itself, by texts before, or by a smaller model.</summary>
[Collection("console")]
public sealed class GuessCommandTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void TextsAreThoseWithoutGuesses()
    {
        string model = WriteModel(folder, "model");
        foreach (string draw in (string[])["--temperature 0", "--temperature 0.8 --seed 5"])
        {
            string line = $"generate {model} --prompt It --tokens 60 {draw}", expected = Good(line);
            Assert.True(expected.Length > 10, expected);
            foreach (string guess in (string[])["lookup", "pool", "lookup --guesses 1", model])
                Assert.Equal(expected, Good($"{line} --guess {guess}"));
        }
    }

    [Fact]
    public void WhatCannotGuessIsSaid()
    {
        string model = WriteModel(folder, "model");
        Assert.Contains("--guesses", Bad(2, $"generate {model} --prompt a --guess lookup --guesses 0"), StringComparison.Ordinal);
        Assert.Contains("nowhere", Bad(1, $"generate {model} --prompt a --guess nowhere"), StringComparison.Ordinal);
        Assert.Contains("--sequences asks for 2", Bad(2, $"generate {model} --prompt a --sequences 2 --guess lookup"), StringComparison.Ordinal);
    }
}
