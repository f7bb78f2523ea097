namespace Lemma.Text.Templates.Values;

/// <summary>Texts as sequences of code points: what Python counts. A half of a surrogate pair that stands alone is one.</summary>
internal static class CodePoints
{
    public static int Count(string text)
    {
        int count = text.Length;
        for (int i = 1; i < text.Length; i++)
            if (char.IsLowSurrogate(text[i]) && char.IsHighSurrogate(text[i - 1]))
                count--;
        return count;
    }

    /// <summary>The UTF-16 places of the code points, and the end.</summary>
    public static int[] Places(string text)
    {
        List<int> places = new(text.Length + 1);
        for (int i = 0; i < text.Length; i++)
            if (i == 0 || !char.IsLowSurrogate(text[i]) || !char.IsHighSurrogate(text[i - 1]))
                places.Add(i);
        places.Add(text.Length);
        return [.. places];
    }

    /// <summary>One text a code point.</summary>
    public static IEnumerable<string> Split(string text)
    {
        for (int i = 0, length; i < text.Length; i += length)
        {
            length = i + 1 < text.Length && char.IsSurrogatePair(text, i) ? 2 : 1;
            yield return text.Substring(i, length);
        }
    }

    /// <summary>Order by code points; UTF-16 would put U+FFFF behind U+10000.</summary>
    public static int Compare(string left, string right)
    {
        int length = Math.Min(left.Length, right.Length);
        for (int i = 0; i < length; i++)
        {
            char one = left[i], two = right[i];
            if (one != two)
                return char.IsSurrogate(one) == char.IsSurrogate(two) ? one.CompareTo(two) : char.IsSurrogate(one) ? 1 : -1;
        }
        return left.Length.CompareTo(right.Length);
    }
}
