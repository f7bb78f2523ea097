using System.Text;
using Lemma.Decoding;
using Lemma.Decoding.Constraints;
using Lemma.Decoding.Constraints.Automata;
using Lemma.Text;

namespace Lemma.Tests.Decoding.Constraints;

/// <summary>Texts that a model without any sense would draw under a constraint.</summary>
internal static class RandomTexts
{
    /// <summary>Draws one text to its end; each state on the way is shown.</summary>
    public static string Draw(Constraint constraint, Tokenizer tokenizer, int end, Random random, Action<AutomatonState>? see = null, int most = 3000, bool keepsSpecialTokens = false)
    {
        Candidates candidates = new(tokenizer.VocabularySize);
        float[] logits = new float[tokenizer.VocabularySize];
        List<byte> text = [];
        AutomatonState state = constraint.Start;
        for (int i = 0; i < most; i++)
        {
            see?.Invoke(state);
            candidates.Reset(logits);
            Assert.True(constraint.Apply(candidates, logits, state, startsText: false, [end]));
            int id = Choose(candidates.Ids, tokenizer, end, random, i);
            if (id == end)
            {
                Assert.True(state.Accepts);
                return Encoding.UTF8.GetString([.. text]);
            }
            text.AddRange(keepsSpecialTokens && tokenizer.IsSpecial(id) ? Encoding.UTF8.GetBytes(tokenizer.PieceOf(id)) : tokenizer.BytesOf(id));
            state = constraint.Next(state, id, startsText: false);
            Assert.False(state.IsDead);
        }
        Assert.Fail($"no end after {most} ids: {Encoding.UTF8.GetString([.. text.Take(300)])}");
        return "";
    }

    // Any id as likely as any other, but more and more often one that closes what is open.
    private static int Choose(ReadOnlySpan<int> ids, Tokenizer tokenizer, int end, Random random, int number)
    {
        if (random.NextDouble() < Math.Min(0.25 + (number / 400.0), 0.7))
        {
            int[] closing = [.. ids.ToArray().Where(id => id == end || tokenizer.BytesOf(id) is [(byte)'"' or (byte)'}' or (byte)']', ..])];
            if (closing.Length > 0)
                return closing[random.Next(closing.Length)];
        }
        // Letters that patterns of the tests need are drawn oftener than one of a million code points.
        int[] letters = random.Next(4) > 0 ? [] : [.. ids.ToArray().Where(id => tokenizer.BytesOf(id) is [(byte)'a' or (byte)'b'])];
        return letters.Length > 0 ? letters[random.Next(letters.Length)] : ids[random.Next(ids.Length)];
    }
}
