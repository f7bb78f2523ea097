using System.Numerics;

namespace Lemma.Compute;

/// <summary>Whole numbers that a pass needs until its tape is rewound, such as positions; arrays are kept for the next pass.</summary>
internal sealed class IntegerPool
{
    private readonly List<int[]> arrays = [];

    /// <summary>How many arrays are lent.</summary>
    public int Count { get; private set; }

    /// <summary>Lends numbers, undefined.</summary>
    public Memory<int> Take(int count)
    {
        if (Count == arrays.Count)
            arrays.Add([]);
        if (arrays[Count].Length < count)
            arrays[Count] = new int[BitOperations.RoundUpToPowerOf2((uint)count)];
        return arrays[Count++].AsMemory(0, count);
    }

    /// <summary>Takes back all but the first.</summary>
    public void Rewind(int count) => Count = count;
}
