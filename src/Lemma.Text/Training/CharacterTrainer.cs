using System.Text;
using Lemma.Text.Decoding;
using Lemma.Text.Models;

namespace Lemma.Text.Training;

/// <summary>Makes a character-level tokenizer: one id for each distinct character (Unicode scalar) of a text.</summary>
/// <remarks>Ids: special tokens, then the characters in ascending order of code point. A character that the texts did not have is an
/// error when it is encoded. Saved as a BPE model without merges.</remarks>
public static class CharacterTrainer
{
    /// <summary>Collects the characters of texts, which are read once; lone surrogates count as U+FFFD.</summary>
    /// <exception cref="ArgumentException">The texts are empty, or the special tokens are not allowed.</exception>
    public static Tokenizer Train(IEnumerable<string> texts, IReadOnlyList<string>? specialTokens = null)
    {
        specialTokens ??= [];
        SpecialTokenList.Validate(specialTokens);
        bool[] seen = new bool[0x110000];
        foreach (string text in texts)
            foreach (Rune rune in text.EnumerateRunes())
                seen[rune.Value] = true;
        string[] characters = [.. Enumerable.Range(0, seen.Length).Where(scalar => seen[scalar])
            .Select(static scalar => new Rune(scalar).ToString())];
        if (characters.Length == 0)
            throw new ArgumentException("train: a character-level vocabulary needs text, but there is none");
        string[] pieces = [.. specialTokens, .. characters];
        return new Tokenizer(
            new BpeModel(new Vocabulary(pieces), []), SpecialTokenList.Number(specialTokens), decoder: new FuseDecoder());
    }
}
