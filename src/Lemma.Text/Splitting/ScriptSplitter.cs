using System.Text;
using Lemma.Text.Normalization;

namespace Lemma.Text.Splitting;

/// <summary>Splits where the script of the letters changes; spaces and characters without a script go with what is before them.</summary>
/// <remarks>Han, Hiragana and Katakana count as one script. Characters without a script at the start of a piece are left out, as Hugging
/// Face's UnicodeScripts does.</remarks>
public sealed class ScriptSplitter : Splitter
{
    private static readonly MatchParts Match = static (piece, parts) =>
    {
        int last = -1;
        for (int at = 0, width; at < piece.Length; at += width)
        {
            Rune rune = Unicode.RuneAt(piece, at);
            width = rune.Utf16SequenceLength;
            int script = UnicodeTables.ScriptOf(rune.Value);
            if (script < 0 || script == last)
                continue;
            if (at > 0)
                parts.Add((at, last < 0));
            last = script;
        }
        parts.Add((piece.Length, last < 0));
    };

    /// <inheritdoc/>
    public override void Split(SplitBuffer buffer) => buffer.Cut(Match, SplitBehavior.Removed);
}
