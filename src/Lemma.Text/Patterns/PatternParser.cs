namespace Lemma.Text.Patterns;

/// <summary>Reads a pattern in the dialect of tokenizer files, which is Oniguruma's over Unicode.</summary>
/// <remarks>^ and $ are those of lines, (?m) lets the dot match line feeds, groups capture nothing. Back-references, absence, recursion,
/// conditions, \G, \K, \X and \y are refused.</remarks>
internal sealed class PatternParser
{
    private const int MostDepth = 200, MostTimes = 100_000, MostStacked = 16;
    private static readonly PatternNode LineBreak = new AtomicNode(new ChoiceNode([
        new SequenceNode([new SetNode(CharacterSet.Of('\r')), new SetNode(CharacterSet.Of('\n'))]),
        new SetNode(CharacterSet.Of([('\n', '\r'), (0x85, 0x85), (0x2028, 0x2029)]))]));
    private static readonly CharacterSet NoLineFeed = CharacterSet.Of('\n').Complement();
    private readonly PatternReader reader;
    private readonly ClassParser classes;
    private int depth;

    private PatternParser(PatternReader reader) => (this.reader, classes) = (reader, new ClassParser(reader));

    private readonly record struct Options(bool IgnoresCase, bool DotIsAll, bool IsExtended);

    /// <summary>The tree of a pattern.</summary>
    /// <exception cref="ArgumentException">The pattern is broken, or has what no linear time is known for.</exception>
    public static PatternNode Parse(string pattern)
    {
        PatternParser parser = new(new PatternReader(pattern));
        PatternNode all = parser.ReadChoices(default);
        return parser.reader.IsAtEnd ? all : throw parser.reader.Error("must open the group that it closes");
    }

    private PatternNode ReadChoices(Options options)
    {
        if (++depth > MostDepth)
            throw reader.Error($"must have at most {MostDepth} groups in each other");
        List<PatternNode> choices = [ReadSequence(options)];
        while (reader.TryTake("|"))
            choices.Add(ReadSequence(options));
        depth--;
        return choices.Count == 1 ? choices[0] : new ChoiceNode(choices);
    }

    private PatternNode ReadSequence(Options options)
    {
        List<PatternNode> parts = [];
        List<int> folded = [];
        while (reader.Peek() is not ('|' or ')' or -1))
        {
            if (options.IsExtended && SkipsExtended())
                continue;
            if (ReadLetter(options) is int letter and >= 0)
            {
                folded.Add(letter);
                continue;
            }
            // Letters without case that stand together may be one letter that folds to them.
            int letters = folded.Count;
            PatternNode part;
            if (letters > 0 && IsRepeat(options))
            {
                part = FoldedText.Of([folded[^1]]);
                folded.RemoveAt(letters - 1);
                Flush(folded, parts);
            }
            else
            {
                Flush(folded, parts);
                if (reader.Peek() is '|' or ')' or -1)
                    break;
                part = ReadPart(options);
            }
            parts.Add(ReadRepeats(part, options));
        }
        Flush(folded, parts);
        return parts.Count == 1 ? parts[0] : new SequenceNode(parts);
    }

    private static void Flush(List<int> folded, List<PatternNode> parts)
    {
        if (folded.Count > 0)
            parts.Add(FoldedText.Of([.. folded]));
        folded.Clear();
    }

    private bool SkipsExtended()
    {
        if (reader.Peek() is ' ' or '\t' or '\n' or '\r' or '\f' or '\v')
        {
            reader.Take();
            return true;
        }
        if (reader.Peek() != '#')
            return false;
        while (reader.Peek() is not (-1 or '\n'))
            reader.Take();
        return true;
    }

    /// <summary>Takes a plain letter where case is ignored, otherwise −1.</summary>
    private int ReadLetter(Options options)
    {
        if (!options.IgnoresCase || reader.IsAtEnd
            || reader.Peek() is '.' or '[' or '(' or ')' or '|' or '*' or '+' or '?' or '^' or '$' or '{')
            return -1;
        if (reader.Peek() != '\\')
            return reader.Take();
        return reader.Peek(1) is 'x' or 'u' or '\\' or '\'' or '.' or '-' && reader.Take() == '\\' ? reader.TakeEscaped() : -1;
    }

    private bool IsRepeat(Options options)
    {
        while (options.IsExtended && SkipsExtended())
        {
        }
        if (reader.Peek() is '*' or '+' or '?')
            return true;
        int start = reader.At;
        bool isInterval = TryReadInterval(out _, out _);
        reader.At = start;
        return isInterval;
    }

    private PatternNode ReadRepeats(PatternNode part, Options options)
    {
        for (int repeats = 0; IsRepeat(options); repeats++)
        {
            if (repeats == MostStacked)
                throw reader.Error($"must have at most {MostStacked} repetitions of one part");
            bool isInterval = reader.Peek() == '{', isSwapped = false;
            int least, most;
            if (isInterval)
            {
                TryReadInterval(out least, out most);
                isSwapped = most >= 0 && least > most;
                if (isSwapped)
                    (least, most) = (most, least);
            }
            else
            {
                int kind = reader.Take();
                (least, most) = (kind == '+' ? 1 : 0, kind == '?' ? 1 : -1);
            }
            if (isInterval && least == most && reader.TryTake("?"))
                part = new RepeatNode(new RepeatNode(part, least, most, false), 0, 1, false);
            else if (reader.TryTake("?"))
                part = new RepeatNode(part, least, most, IsLazy: true);
            else if (isSwapped || (!isInterval && reader.TryTake("+")))
                part = new AtomicNode(new RepeatNode(part, least, most, false));
            else
                part = new RepeatNode(part, least, most, false);
        }
        return part;
    }

    private bool TryReadInterval(out int least, out int most)
    {
        (least, most) = (-1, -1);
        int start = reader.At;
        if (!reader.TryTake("{"))
            return false;
        least = reader.TakeNumber(MostTimes);
        bool hasRange = reader.TryTake(",");
        most = hasRange ? reader.TakeNumber(MostTimes) : least;
        if (reader.TryTake("}") && (least >= 0 || most >= 0))
        {
            least = Math.Max(least, 0);
            return true;
        }
        reader.At = start;
        return false;
    }

    private PatternNode ReadPart(Options options)
    {
        if (reader.Peek() is '*' or '+' or '?' || IsRepeat(options))
            throw reader.Error("must have something to repeat");
        int next = reader.Take();
        return next switch
        {
            '.' => new SetNode(options.DotIsAll ? CharacterSet.All : NoLineFeed),
            '^' => new AnchorNode(Anchor.LineStart),
            '$' => new AnchorNode(Anchor.LineEnd),
            '[' => ReadClass(options),
            '(' => ReadGroup(options),
            '\\' => ReadEscape(),
            _ => new SetNode(CharacterSet.Of(next)),
        };
    }

    private PatternNode ReadClass(Options options)
    {
        (CharacterSet set, bool isNegative) = classes.Read();
        CharacterSet closed = options.IgnoresCase ? CharacterProperties.CaseFolding.Close(set) : set;
        if (isNegative)
            return new SetNode(closed.Complement());
        return options.IgnoresCase ? FoldedText.WithTexts(set, closed) : new SetNode(closed);
    }

    private PatternNode ReadEscape()
    {
        if (reader.TakeSet(isInClass: false) is CharacterSet set)
            return new SetNode(set);
        Anchor? anchor = reader.Peek() switch
        {
            'A' => Anchor.TextStart,
            'z' => Anchor.TextEnd,
            'Z' => Anchor.LastLineEnd,
            'b' => Anchor.WordBoundary,
            'B' => Anchor.NoWordBoundary,
            _ => null,
        };
        if (anchor is null && reader.Peek() is not ('R' or 'N' or 'O'))
            return reader.Peek() is 'G' or 'K' or 'X' or 'y' or 'Y' or 'g' ? throw reader.Error($"must have no \\{(char)reader.Peek()}")
                : new SetNode(CharacterSet.Of(reader.TakeEscaped()));
        int letter = reader.Take();
        return anchor is Anchor place ? new AnchorNode(place) : letter == 'R' ? LineBreak
            : new SetNode(letter == 'N' ? NoLineFeed : CharacterSet.All);
    }

    private PatternNode ReadGroup(Options options)
    {
        if (!reader.TryTake("?"))
            return Closed(ReadChoices(options));
        if (reader.TryTake("#"))
        {
            while (reader.Take() != ')')
            {
            }
            return PatternNode.Nothing;
        }
        if (reader.TryTake(":"))
            return Closed(ReadChoices(options));
        if (reader.TryTake(">"))
            return new AtomicNode(Closed(ReadChoices(options)));
        foreach ((string start, bool isAhead, bool isNegative) in
                 (ReadOnlySpan<(string, bool, bool)>)[("=", true, false), ("!", true, true), ("<=", false, false), ("<!", false, true)])
            if (reader.TryTake(start))
                return new LookNode(Closed(ReadChoices(options)), isAhead, isNegative);
        if (reader.Peek() is '<' or '\'')
        {
            int close = reader.Take() == '<' ? '>' : '\'';
            while (reader.Take() != close)
            {
            }
            return Closed(ReadChoices(options));
        }
        return ReadOptions(options);
    }

    // Options without a colon hold to the end of the group around them, its further choices too.
    private PatternNode ReadOptions(Options options)
    {
        bool isOn = true;
        while (true)
            switch (reader.Take())
            {
                case '-':
                    isOn = false;
                    break;
                case 'i':
                    options = options with { IgnoresCase = isOn };
                    break;
                case 'm':
                    options = options with { DotIsAll = isOn };
                    break;
                case 'x':
                    options = options with { IsExtended = isOn };
                    break;
                case ':':
                    return Closed(ReadChoices(options));
                case ')':
                    return ReadChoices(options);
                default:
                    reader.At--;
                    throw reader.Error("must have a group that is known here");
            }
    }

    private PatternNode Closed(PatternNode node) => reader.TryTake(")") ? node : throw reader.Error("must close its group");
}
