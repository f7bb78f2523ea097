using System.Text;

namespace Lemma.Text.Patterns;

/// <summary>Classes in brackets: ranges, escapes, POSIX names, classes inside of classes, intersections.</summary>
internal sealed class ClassParser(PatternReader reader)
{
    private const int MostDepth = 100;
    private int depth;

    /// <summary>The class behind its opening bracket, as it is without its own negation, and whether it is negated.</summary>
    public (CharacterSet Set, bool IsNegative) Read()
    {
        if (++depth > MostDepth)
            throw reader.Error($"must have at most {MostDepth} classes in each other");
        bool isNegative = reader.TryTake("^");
        CharacterSet? before = null;
        List<CharacterSet> sets = [];
        bool first = true;
        for (; first || reader.Peek() != ']'; first = false)
        {
            if (reader.IsAtEnd)
                throw reader.Error("must close its class");
            if (reader.TryTake("&&"))
            {
                CharacterSet right = Union(sets);
                before = before?.Intersect(right) ?? right;
                sets.Clear();
            }
            else if (ReadSet() is CharacterSet set)
                sets.Add(set);
            else
                sets.Add(ReadRange());
        }
        reader.Take();
        depth--;
        CharacterSet all = Union(sets);
        return (before?.Intersect(all) ?? all, isNegative);
    }

    private static CharacterSet Union(List<CharacterSet> sets) => CharacterSet.Of(sets.SelectMany(static set => set.Ranges.ToArray()));

    private CharacterSet? ReadSet()
    {
        if (reader.Peek() == '[')
        {
            if (ReadPosix() is CharacterSet posix)
                return posix;
            reader.Take();
            (CharacterSet set, bool isNegative) = Read();
            return isNegative ? set.Complement() : set;
        }
        if (reader.Peek() != '\\')
            return null;
        reader.Take();
        if (reader.TakeSet(isInClass: true) is CharacterSet named)
            return named;
        reader.At--;
        return null;
    }

    private CharacterSet? ReadPosix()
    {
        int start = reader.At;
        if (!reader.TryTake("[:"))
            return null;
        bool isNegative = reader.TryTake("^");
        StringBuilder name = new();
        while (reader.Peek() is >= 'a' and <= 'z')
            name.Append((char)reader.Take());
        if (!reader.TryTake(":]"))
        {
            reader.At = start;
            return null;
        }
        CharacterSet set = name.ToString() is "alnum" or "alpha" or "ascii" or "blank" or "cntrl" or "digit" or "graph" or "lower" or "print"
            or "punct" or "space" or "upper" or "xdigit" or "word"
            ? Posix(name.ToString()) : throw reader.Error($"names the unknown class [:{name}:]");
        return isNegative ? set.Complement() : set;
    }

    // Symbols are punctuation in brackets, and not as a property.
    private static CharacterSet Posix(string name) =>
        name == "punct" ? CharacterProperties.Get("p").Union(CharacterProperties.Get("s")) : CharacterProperties.Get(name);

    private CharacterSet ReadRange()
    {
        int first = ReadCharacter();
        // A hyphen before the end, a class or an intersection is itself.
        if (reader.Peek() != '-' || reader.Peek(1) is ']' or -1 or '[' || (reader.Peek(1) == '&' && reader.Peek(2) == '&'))
            return CharacterSet.Of(first);
        reader.Take();
        int last = ReadCharacter();
        return first <= last ? CharacterSet.Of([(first, last)]) : throw reader.Error("must have its ranges from the lower to the higher");
    }

    private int ReadCharacter()
    {
        int next = reader.Take();
        if (next != '\\')
            return next;
        if (reader.Peek() is 'd' or 'D' or 's' or 'S' or 'w' or 'W' or 'h' or 'H' or 'p' or 'P')
            throw reader.Error("must have a character at the end of a range");
        if (reader.Peek() != 'b')
            return reader.TakeEscaped();
        reader.Take();
        return '\b';
    }
}
