namespace Lemma.Decoding;

/// <summary>How far a list is put in order by a step that does not know yet how much it keeps.</summary>
internal static class OrderedPrefix
{
    private const int Fewest = 256, Growth = 8;

    /// <summary>Sizes that grow to that of the list, so that work grows with what is kept.</summary>
    public static Enumerator Sizes(int count) => new(count);

    internal struct Enumerator(int count)
    {
        public int Current { get; private set; }

        public readonly Enumerator GetEnumerator() => this;

        public bool MoveNext()
        {
            if (Current == count)
                return false;
            Current = (int)Math.Min(count, Math.Max(Fewest, (long)Growth * Current));
            return true;
        }
    }
}
