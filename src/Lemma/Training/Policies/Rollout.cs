using Lemma.Data;

namespace Lemma.Training;

/// <summary>One answer that a policy gave, and what it thought of each id when it drew it.</summary>
/// <param name="Prompt">The number of the prompt.</param>
/// <param name="Ids">The prompt and the answer, with the id that ended it.</param>
/// <param name="PromptLength">The ids of the prompt.</param>
/// <param name="Logs">ln π of each id of the answer when it was drawn, [answer].</param>
/// <param name="IsEnded">Whether the answer ended by itself, not at the most tokens.</param>
public sealed record Rollout(int Prompt, int[] Ids, int PromptLength, float[] Logs, bool IsEnded)
{
    /// <summary>The ids of the answer.</summary>
    public int Length => Ids.Length - PromptLength;

    /// <summary>The answer as an example: its ids are to be predicted, the prompt's are not.</summary>
    public TokenExample ToExample()
    {
        bool[] counts = new bool[Ids.Length];
        counts.AsSpan(PromptLength).Fill(true);
        return new TokenExample(Ids, counts);
    }
}
