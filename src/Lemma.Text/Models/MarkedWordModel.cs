namespace Lemma.Text.Models;

/// <summary>SentencePiece's words: each begins with the mark of a space; words that the vocabulary lacks are unknown, a run of them
/// once.</summary>
internal sealed class MarkedWordModel(Vocabulary vocabulary, char mark, int unknownId) : TokenModel(vocabulary)
{
    /// <inheritdoc/>
    public override int Encode(ReadOnlySpan<char> piece, List<int> ids)
    {
        bool follows = false;
        for (int at = 0, end; at < piece.Length; at = end)
        {
            end = EndOfWord(piece, at);
            int id = Vocabulary.IdOf(piece[at..end]);
            if (id < 0 && unknownId < 0)
                return at;
            bool isUnknown = id < 0 || id == unknownId;
            if (!isUnknown || !follows)
                ids.Add(isUnknown ? unknownId : id);
            follows = isUnknown;
        }
        return -1;
    }

    /// <inheritdoc/>
    internal override void Locate(ReadOnlySpan<char> piece, ReadOnlySpan<int> ids, List<(int Start, int End)> ranges)
    {
        int at = 0;
        foreach (int id in ids)
        {
            int start = at;
            do
                at = EndOfWord(piece, at);
            while (id == unknownId && at < piece.Length && Vocabulary.IdOf(piece[at..EndOfWord(piece, at)]) is var next
                && (next < 0 || next == unknownId));
            ranges.Add((start, at));
        }
    }

    private int EndOfWord(ReadOnlySpan<char> piece, int start)
    {
        int next = piece[(start + 1)..].IndexOf(mark);
        return next < 0 ? piece.Length : start + 1 + next;
    }
}
