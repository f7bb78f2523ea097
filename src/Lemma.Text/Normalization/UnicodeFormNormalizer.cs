using System.Text;

namespace Lemma.Text.Normalization;

/// <summary>The four normalization forms of Unicode (UAX 15).</summary>
public enum UnicodeForm
{
    /// <summary>Canonical composition.</summary>
    Nfc,

    /// <summary>Canonical decomposition.</summary>
    Nfd,

    /// <summary>Compatibility composition.</summary>
    Nfkc,

    /// <summary>Compatibility decomposition.</summary>
    Nfkd,
}

/// <summary>Brings text into a normalization form of Unicode.</summary>
/// <param name="form">The form.</param>
public sealed class UnicodeFormNormalizer(UnicodeForm form) : Normalizer
{
    private const int HangulFirst = 0xAC00, LeadFirst = 0x1100, VowelFirst = 0x1161, TailFirst = 0x11A7;
    private const int Vowels = 21, Tails = 28, Syllables = 19 * Vowels * Tails;

    private struct Part
    {
        public int Scalar, From, To;
        public byte Class;
    }

    /// <summary>The form.</summary>
    public UnicodeForm Form { get; } = form;

    internal override bool IsLocal => true;

    /// <inheritdoc/>
    public override void Apply(AlignedText text)
    {
        // Nothing below changes in any form, respectively in the canonical composition.
        char first = Form == UnicodeForm.Nfc ? '\u0300' : '\u00a0';
        if (text.Text.IndexOfAnyInRange(first, '\uffff') < 0)
            return;
        List<Part> parts = Decompose(text.Text, Form is UnicodeForm.Nfkc or UnicodeForm.Nfkd);
        Order(parts);
        if (Form is UnicodeForm.Nfc or UnicodeForm.Nfkc)
            Compose(parts);
        text.BeginRewrite();
        Span<char> characters = stackalloc char[2];
        foreach (Part part in parts)
            text.Append(characters[..new Rune(part.Scalar).EncodeToUtf16(characters)], part.From, part.To);
        text.EndRewrite();
    }

    private static List<Part> Decompose(ReadOnlySpan<char> text, bool isCompatible)
    {
        List<Part> parts = new(text.Length);
        for (int at = 0, width; at < text.Length; at += width)
        {
            Rune rune = Unicode.RuneAt(text, at);
            width = rune.Utf16SequenceLength;
            int syllable = rune.Value - HangulFirst;
            if (syllable is >= 0 and < Syllables)
            {
                Add(parts, LeadFirst + (syllable / (Vowels * Tails)), at, width);
                Add(parts, VowelFirst + (syllable % (Vowels * Tails) / Tails), at, width);
                if (syllable % Tails > 0)
                    Add(parts, TailFirst + (syllable % Tails), at, width);
            }
            else if (UnicodeTables.Decomposition(rune.Value, isCompatible) is int[] scalars)
                foreach (int scalar in scalars)
                    Add(parts, scalar, at, width);
            else
                Add(parts, rune.Value, at, width);
        }
        return parts;
    }

    private static void Add(List<Part> parts, int scalar, int at, int width) =>
        parts.Add(new Part { Scalar = scalar, From = at, To = at + width, Class = UnicodeTables.ClassOf(scalar) });

    /// <summary>Sorts each run of marks by combining class; equal classes keep their order.</summary>
    private static void Order(List<Part> parts)
    {
        for (int i = 0; i < parts.Count; i++)
        {
            if (parts[i].Class == 0)
                continue;
            int end = i + 1;
            bool sorted = true;
            for (; end < parts.Count && parts[end].Class != 0; end++)
                sorted &= parts[end].Class >= parts[end - 1].Class;
            if (!sorted)
            {
                Part[] run = [.. parts.GetRange(i, end - i).OrderBy(static part => part.Class)];
                for (int k = 0; k < run.Length; k++)
                    parts[i + k] = run[k];
            }
            i = end - 1;
        }
    }

    private static void Compose(List<Part> parts)
    {
        int starter = -1, kept = 0;
        byte last = 0;
        for (int i = 0; i < parts.Count; i++)
        {
            Part part = parts[i];
            // A mark joins the starter unless one of its class, or another starter, stands between them.
            bool open = starter >= 0 && (kept == starter + 1 || (last < part.Class && last != 0));
            int joined = open ? Join(parts[starter].Scalar, part.Scalar) : -1;
            if (joined >= 0)
            {
                parts[starter] = parts[starter] with
                {
                    Scalar = joined,
                    From = Math.Min(parts[starter].From, part.From),
                    To = Math.Max(parts[starter].To, part.To),
                };
                continue;
            }
            if (part.Class == 0)
                starter = kept;
            last = part.Class;
            parts[kept++] = part;
        }
        parts.RemoveRange(kept, parts.Count - kept);
    }

    private static int Join(int first, int second)
    {
        if (first is >= LeadFirst and < LeadFirst + 19 && second is >= VowelFirst and < VowelFirst + Vowels)
            return HangulFirst + ((((first - LeadFirst) * Vowels) + second - VowelFirst) * Tails);
        if (first is >= HangulFirst and < HangulFirst + Syllables && (first - HangulFirst) % Tails == 0
            && second is > TailFirst and < TailFirst + Tails)
            return first + second - TailFirst;
        return UnicodeTables.Composition(first, second);
    }
}
