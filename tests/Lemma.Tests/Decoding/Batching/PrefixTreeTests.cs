using Lemma.Decoding;
using Lemma.Formulas;
using Lemma.Sequences;
using Lemma.Weights;

namespace Lemma.Tests.Decoding.Batching;

/// <summary>The tree of prefixes beside a list that is searched from end to end.</summary>
public class PrefixTreeTests
{
    private sealed class Item(int[] known) : IHasPrefix
    {
        public int[] Known => known;

        public SequenceState State => throw new NotSupportedException();

        public Adapter? Adapter => null;

        public int Length => known.Length;
    }

    [Fact]
    public void ItFindsWhatAListFinds()
    {
        Philox random = new(5);
        ulong at = 0;
        PrefixTree<Item> tree = new();
        List<Item> list = [];
        for (int step = 0; step < 4000; step++)
        {
            if (list.Count > 60 || (list.Count > 0 && Draw(3) == 0))
            {
                Item gone = list[Draw(list.Count)];
                list.Remove(gone);
                Assert.True(tree.Remove(gone));
                Assert.False(tree.Remove(gone));
            }
            else
            {
                Item item = new(Ids());
                list.Add(item);
                tree.Add(item);
            }
            Assert.Equal(list.Count, tree.Count);
            int[] asked = Ids();
            (Item Item, int Common)[] found = [.. tree.Longest(asked)];
            Assert.Equal(found.Select(one => one.Common).OrderDescending(), found.Select(one => one.Common));
            Assert.Equal(list.Where(item => asked.AsSpan().CommonPrefixLength(item.Known) > 0).ToHashSet(), [.. found.Select(one => one.Item)]);
            Assert.All(found, one => Assert.Equal(asked.AsSpan().CommonPrefixLength(one.Item.Known), one.Common));
            Assert.Equal(found.Length, found.Select(one => one.Item).Distinct().Count());
        }

        int Draw(int below) => (int)(random.Uniform(at++) * below);

        // Few ids, so that runs are shared, split and joined again.
        int[] Ids() => [.. Enumerable.Range(0, 1 + Draw(9)).Select(_ => Draw(2))];
    }
}
