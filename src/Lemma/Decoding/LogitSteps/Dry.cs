namespace Lemma.Decoding;

/// <summary>z ← z − m·b^(n−a) for every id that would lengthen a repetition of n ≥ a ids.</summary>
/// <remarks>
/// "Don't repeat yourself", Weidmann 2024 (text-generation-webui, pull request 5677). n is the most last ids that stand before an earlier place of the id as
/// well; no repetition reaches across a breaker, and none is counted beyond 50 ids, where the penalty forbids the id anyway.
/// </remarks>
public sealed record Dry : LogitStep
{
    private const int Longest = 50;

    /// <summary>A penalty.</summary>
    /// <param name="multiplier">m, above 0.</param>
    /// <param name="base">b, at least 1.</param>
    /// <param name="allowed">a: repetitions of as many ids are the first that cost, m.</param>
    /// <param name="breakers">Ids across which nothing is a repetition, such as those of line breaks and quotes; null for none.</param>
    /// <param name="last">How many last ids count; null for all.</param>
    public Dry(double multiplier, double @base = 1.75, int allowed = 2, IEnumerable<int>? breakers = null, int? last = null)
    {
        Require.That(multiplier > 0 && double.IsFinite(multiplier), $"dry: the multiplier must be positive, but it is {multiplier}");
        Require.That(@base >= 1 && double.IsFinite(@base), $"dry: the base must be at least 1, but it is {@base}");
        Require.That(allowed > 0, $"dry: the allowed length must be positive, but it is {allowed}");
        Require.That(last is null or > 0, $"dry: the ids that count must be positive, but they are {last}");
        (Multiplier, Base, Allowed, Breakers, Last) = (multiplier, @base, allowed, new ValueList<int>((breakers ?? []).Distinct().Order()), last);
    }

    /// <summary>m.</summary>
    public double Multiplier { get; }

    /// <summary>b.</summary>
    public double Base { get; }

    /// <summary>a.</summary>
    public int Allowed { get; }

    /// <summary>Ids across which nothing is a repetition.</summary>
    public ValueList<int> Breakers { get; }

    /// <summary>How many last ids count; null for all.</summary>
    public int? Last { get; }

    /// <inheritdoc/>
    public override void Apply(Candidates candidates, in DrawContext context)
    {
        ReadOnlySpan<int> ids = context.Last(Last);
        if (ids.IsEmpty || IsBreaker(ids[^1]))
            return;
        IdCounts lengths = candidates.NewCounts();
        for (int i = 0; i < ids.Length - 1; i++)
        {
            if (ids[i] == ids[^1] && !IsBreaker(ids[i + 1]))
                lengths.Raise(ids[i + 1], LengthAt(ids, i));
        }
        foreach (int id in lengths.Members)
        {
            if (lengths[id] >= Allowed)
                candidates.Add(id, -Multiplier * Math.Pow(Base, lengths[id] - Allowed));
        }
    }

    // How many ids up to a place are the last ids as well.
    private int LengthAt(ReadOnlySpan<int> ids, int place)
    {
        int length = 1;
        while (length < Longest && length <= place && ids[place - length] == ids[^(length + 1)] && !IsBreaker(ids[place - length]))
            length++;
        return length;
    }

    private bool IsBreaker(int id)
    {
        for (int i = 0; i < Breakers.Count; i++)
        {
            if (Breakers[i] == id)
                return true;
        }
        return false;
    }
}
