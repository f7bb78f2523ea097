using Lemma.Text.Templates;

namespace Lemma.Server.Responses;

/// <summary>The oldest turns of a conversation left out until it fits, system messages kept; what is kept begins with the user.</summary>
internal static class Truncation
{
    /// <summary>The ids of what fits, with room for an answer.</summary>
    /// <param name="engine">Who answers.</param>
    /// <param name="turns">The conversation.</param>
    /// <param name="template">What the template is told beside it.</param>
    /// <param name="most">Ids of the answer; null leaves a quarter of the longest text.</param>
    public static int[] Fit(ServedEngine engine, List<ChatMessage> turns, ChatOptions template, int? most)
    {
        int longest = engine.Writer!.LongestText, room = longest - Math.Min(most ?? (longest / 4), longest / 2);
        // A cut stands before a turn of the user, so that calls stay with their results.
        int[] cuts =
        [
            0, .. Enumerable.Range(1, Math.Max(0, turns.Count - 1)).Where(i => turns[i].Role == "user" && turns.Take(i).Any(static turn => turn.Role != "system")),
        ];
        int low = 0, high = cuts.Length - 1;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (Prompt(cuts[middle]).Length <= room)
                high = middle;
            else
                low = middle + 1;
        }
        return Prompt(cuts[low]);

        int[] Prompt(int cut) => ChatMessages.Prompt(engine, [.. turns.Where((turn, i) => i >= cut || turn.Role == "system")], template);
    }
}
