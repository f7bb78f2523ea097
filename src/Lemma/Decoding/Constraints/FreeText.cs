using System.Text;
using Lemma.Decoding.Constraints.Nodes;

namespace Lemma.Decoding.Constraints;

/// <summary>Text without any of some triggers, up to the first of them: an automaton of Aho and Corasick as rules.</summary>
internal static class FreeText
{
    /// <summary>Free text that may end anywhere; what belongs to a trigger follows it.</summary>
    /// <param name="triggers">Each with what follows it.</param>
    /// <param name="repeats">Whether free text goes on behind that.</param>
    /// <param name="rules">Where rules are added.</param>
    /// <param name="mayEnd">Whether the text may end before a trigger came.</param>
    public static GrammarNode Until(IReadOnlyList<(string Trigger, GrammarNode Body)> triggers, bool repeats, GrammarRules rules, bool mayEnd = true)
    {
        if (triggers.Count == 0 || triggers.Any(static one => one.Trigger.Length == 0))
            throw new GrammarException($"trigger: there must be triggers, none of them empty, but there are {triggers.Count}");
        Dictionary<(int State, byte Value), int> tree = [];
        List<int> ends = [-1], fails = [0];
        for (int trigger = 0; trigger < triggers.Count; trigger++)
        {
            int state = 0;
            foreach (byte value in Encoding.UTF8.GetBytes(triggers[trigger].Trigger))
            {
                if (!tree.TryGetValue((state, value), out int next))
                {
                    tree[(state, value)] = next = ends.Count;
                    ends.Add(-1);
                    fails.Add(0);
                }
                state = next;
            }
            ends[state] = ends[state] < 0 ? trigger : ends[state];
        }
        int[][] to = Transitions(tree, ends, fails);
        int first = rules.Count;
        for (int state = 0; state < ends.Count; state++)
            rules.Add("text");
        RuleNode start = new(first);
        GrammarNode Behind(int trigger) => repeats ? GrammarNode.Sequence(triggers[trigger].Body, start) : triggers[trigger].Body;
        for (int state = 0; state < ends.Count; state++)
            rules[first + state] = ends[state] >= 0 ? Behind(ends[state]) : State(to[state], state);
        return start;

        GrammarNode State(int[] next, int state)
        {
            List<GrammarNode> choices = mayEnd ? [GrammarNode.Nothing] : [];
            foreach (IGrouping<int, int> group in Enumerable.Range(0, 256).GroupBy(value => next[value]))
            {
                ByteSet bytes = group.Aggregate(default(ByteSet), static (set, value) => set.Union(ByteSet.Range(value, value)));
                choices.Add(GrammarNode.Sequence(new ByteNode(bytes), new RuleNode(first + group.Key)));
            }
            // A special token has no text, so what was begun of a trigger is no more.
            choices.Add(GrammarNode.Sequence(new OtherTokenNode(), start));
            for (int trigger = 0; trigger < triggers.Count; trigger++)
                choices.Add(GrammarNode.Sequence(new TokenNode(triggers[trigger].Trigger), Behind(trigger)));
            return GrammarNode.Choice(choices);
        }
    }

    private static int[][] Transitions(Dictionary<(int State, byte Value), int> tree, List<int> ends, List<int> fails)
    {
        int[][] to = [.. ends.Select(static _ => new int[256])];
        Queue<int> open = new([0]);
        while (open.TryDequeue(out int state))
            for (int value = 0; value < 256; value++)
            {
                int behind = state == 0 ? 0 : to[fails[state]][value];
                if (!tree.TryGetValue((state, (byte)value), out int next))
                {
                    to[state][value] = behind;
                    continue;
                }
                (to[state][value], fails[next]) = (next, behind);
                if (ends[next] < 0)
                    ends[next] = ends[behind];
                open.Enqueue(next);
            }
        return to;
    }
}
