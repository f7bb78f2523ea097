using System.Globalization;

namespace Lemma.Language.LongText;

/// <summary>A place between two units of a text: anywhere from one character to another, which are the ends of the white space there.</summary>
internal readonly record struct TextBoundary(int From, int To, CutLevel Level);

/// <summary>The boundaries of words, sentences and paragraphs, in order.</summary>
/// <remarks>
/// Words end at white space. A sentence ends behind . ! ? or … with the quotes and brackets that close there, before white space that no lower-case letter
/// follows, but not behind a single capital (an initial); and behind the full stops of East Asia, with or without white space. Paragraphs have an empty
/// line between them.
/// </remarks>
internal static class TextBoundaries
{
    private const string Stops = ".!?…", WideStops = "。！？｡", Closers = "\"'”’»)]}」』）】";

    public static IEnumerable<TextBoundary> Of(string text)
    {
        int i = 0;
        while (i < text.Length)
        {
            if (char.IsWhiteSpace(text[i]))
            {
                int end = i;
                while (end < text.Length && char.IsWhiteSpace(text[end]))
                    end++;
                yield return new TextBoundary(i, end, LevelOf(text, i, end));
                i = end;
            }
            else if (WideStops.Contains(text[i]))
            {
                i++;
                while (i < text.Length && (Closers.Contains(text[i]) || WideStops.Contains(text[i])))
                    i++;
                // White space that follows is a boundary of its own, with the same end.
                if (i < text.Length && !char.IsWhiteSpace(text[i]))
                    yield return new TextBoundary(i, i, CutLevel.Sentence);
            }
            else
                i++;
        }
    }

    private static CutLevel LevelOf(string text, int from, int to) =>
        CountLineEnds(text.AsSpan(from, to - from)) > 1 ? CutLevel.Paragraph
        : EndsSentence(text.AsSpan(0, from)) && !(to < text.Length && char.IsLower(text[to])) ? CutLevel.Sentence : CutLevel.Word;

    private static int CountLineEnds(ReadOnlySpan<char> space)
    {
        int count = 0;
        for (int i = 0; i < space.Length; i++)
        {
            // A paragraph separator is as good as two, and a carriage return with a line feed is one.
            if (space[i] == '\u2029')
                count += 2;
            else if (space[i] is '\n' or '\u2028' or '\u0085' || (space[i] == '\r' && !(i + 1 < space.Length && space[i + 1] == '\n')))
                count++;
        }
        return count;
    }

    private static bool EndsSentence(ReadOnlySpan<char> before)
    {
        ReadOnlySpan<char> rest = before.TrimEnd(Closers);
        if (rest.IsEmpty || !(Stops.Contains(rest[^1]) || WideStops.Contains(rest[^1])))
            return false;
        bool isInitial = rest[^1] == '.' && rest.Length >= 2 && char.GetUnicodeCategory(rest[^2]) == UnicodeCategory.UppercaseLetter
            && (rest.Length == 2 || !char.IsLetterOrDigit(rest[^3]));
        return !isInitial;
    }
}
