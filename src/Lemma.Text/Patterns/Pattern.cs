using System.Collections.Concurrent;

namespace Lemma.Text.Patterns;

/// <summary>A regular expression over Unicode scalars in the dialect of tokenizer files: the first way to match, leftmost.</summary>
/// <remarks>Immutable and thread-safe. The time is linear in the text on every pattern: where going back takes long, what failed is remembered.
/// Memory grows with the text only then. Texts are well-formed UTF-16.</remarks>
internal sealed class Pattern
{
    private readonly ConcurrentBag<PatternMatcher> idle = [];
    private readonly Instruction[] steps;
    private readonly Follow start;
    private readonly int registers, freeWork;

    /// <summary>A pattern of its text.</summary>
    /// <param name="text">The pattern.</param>
    /// <param name="freeWork">How much going back is done before failures are remembered; below 0 they are from the start.</param>
    /// <exception cref="ArgumentException">The text is not a pattern, or has what no linear time is known for.</exception>
    public Pattern(string text, int freeWork = 10_000)
    {
        this.freeWork = freeWork;
        PatternNode node = PatternParser.Parse(text);
        steps = PatternCompiler.Compile(node, out registers);
        start = Follow.End.Behind(node);
    }

    /// <summary>The ranges of all matches of a text, from left to right; empty ones too, but for those right behind a match.</summary>
    public MatchEnumerator FindAll(ReadOnlySpan<char> text) => new(this, text);

    private PatternMatcher Rent() => idle.TryTake(out PatternMatcher? kept) ? kept : new PatternMatcher(steps, registers, start, freeWork);

    /// <summary>Goes from match to match.</summary>
    public ref struct MatchEnumerator
    {
        private readonly Pattern pattern;
        private readonly ReadOnlySpan<char> text;
        private readonly PatternMatcher matcher;
        private int at, last = -1;

        internal MatchEnumerator(Pattern pattern, ReadOnlySpan<char> text)
        {
            (this.pattern, matcher) = (pattern, pattern.Rent());
            this.text = text;
            matcher.Begin();
        }

        /// <summary>The range of the match.</summary>
        public (int Start, int End) Current { get; private set; }

        /// <summary>The enumerator itself, for foreach.</summary>
        public readonly MatchEnumerator GetEnumerator() => this;

        /// <summary>Finds the next match.</summary>
        public bool MoveNext()
        {
            while (at <= text.Length && matcher.Find(text, at, out int start, out int end))
            {
                at = end;
                // As the peer does: nothing right behind a match is none.
                if (start == end && end == last)
                {
                    at += at < text.Length && char.IsHighSurrogate(text[at]) ? 2 : 1;
                    continue;
                }
                (Current, last) = ((start, end), end);
                return true;
            }
            return false;
        }

        /// <summary>Gives the matcher back.</summary>
        public readonly void Dispose()
        {
            matcher.Begin();
            pattern.idle.Add(matcher);
        }
    }
}
