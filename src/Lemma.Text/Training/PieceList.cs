namespace Lemma.Text.Training;

/// <summary>The pieces of a vocabulary that grows: their ids in the order in which they came, and their lengths.</summary>
internal sealed class PieceList
{
    private readonly Dictionary<string, int> ids = new(StringComparer.Ordinal);
    private readonly List<int> lengths = [];

    /// <summary>The pieces; the index is the id.</summary>
    public List<string> Texts { get; } = [];

    /// <summary>The number of pieces.</summary>
    public int Count => Texts.Count;

    /// <summary>How many units (bytes or characters) a piece is made of; 0 for those that do not join.</summary>
    public int LengthOf(int id) => lengths[id];

    /// <summary>The id of a piece, a new one where it is not among them.</summary>
    public int IdOf(string piece, int length)
    {
        if (ids.TryGetValue(piece, out int id))
            return id;
        ids[piece] = id = Texts.Count;
        Texts.Add(piece);
        lengths.Add(length);
        return id;
    }

    /// <summary>Adds a piece; false, and nothing changes, where it is there already.</summary>
    public bool TryAdd(string piece, int length)
    {
        int before = Count;
        return IdOf(piece, length) == before;
    }
}
