using System.Text;
using Lemma.Formulas;

namespace Lemma.Data;

/// <summary>A walk through the grammar: at each fork the grammar offers texts, and the path follows one of them.</summary>
/// <remarks>At every fork no offered text is the start of another. So a text, read from its beginning, has one derivation at most, and its
/// probability is the product of the shares of the weights at its forks.</remarks>
public abstract class StoryPath
{
    private readonly List<(string Text, int Weight)> offers = [];

    /// <summary>ln p of the way so far, in nats.</summary>
    public double LogProbability { get; private set; }

    /// <summary>Text that must come; costs nothing.</summary>
    public abstract void Say(string text);

    /// <summary>Adds a text to the next fork; the weight is at least 1.</summary>
    public void Offer(string text, int weight = 1) => offers.Add((text, weight));

    /// <summary>Follows one of the offered texts, of which there must be one or more, says it, and returns its index.</summary>
    public int Choose()
    {
        int chosen = Follow(offers);
        int total = 0;
        foreach ((_, int weight) in offers)
            total += weight;
        if (offers[chosen].Weight != total)
            LogProbability += Math.Log(offers[chosen].Weight / (double)total);
        Say(offers[chosen].Text);
        offers.Clear();
        return chosen;
    }

    /// <summary>The index of the offer to follow.</summary>
    protected abstract int Follow(IReadOnlyList<(string Text, int Weight)> offers);
}

/// <summary>A path drawn at random, which writes the text down.</summary>
/// <param name="random">The random numbers; the n-th fork takes the n-th.</param>
internal sealed class RandomStoryPath(Philox random) : StoryPath
{
    private readonly StringBuilder text = new(1024);
    private ulong forks;

    /// <summary>The text so far.</summary>
    public string Text => text.ToString();

    public override void Say(string text) => this.text.Append(text);

    protected override int Follow(IReadOnlyList<(string Text, int Weight)> offers)
    {
        int total = 0;
        foreach ((_, int weight) in offers)
            total += weight;
        int rest = random.Below(total, forks++), chosen = 0;
        while (rest >= offers[chosen].Weight)
            rest -= offers[chosen++].Weight;
        return chosen;
    }
}

/// <summary>The path of a given text; once the text leaves the grammar, it follows the first offers to the end.</summary>
/// <param name="text">The text to read.</param>
internal sealed class ReadStoryPath(string text) : StoryPath
{
    private int at;
    private bool left;

    /// <summary>Whether the whole text was read, and nothing else.</summary>
    public bool IsComplete => !left && at == text.Length;

    public override void Say(string text1)
    {
        left = left || !Comes(text1);
        at += left ? 0 : text1.Length;
    }

    protected override int Follow(IReadOnlyList<(string Text, int Weight)> offers)
    {
        for (int i = 0; i < offers.Count && !left; i++)
            if (Comes(offers[i].Text))
                return i;
        left = true;
        return 0;
    }

    private bool Comes(string part) => text.AsSpan(at).StartsWith(part, StringComparison.Ordinal);
}
