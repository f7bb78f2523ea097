using Lemma.Models;
using Lemma.Text;

namespace Lemma.Evaluation.Compression;

/// <summary>An n-gram model as a coder's.</summary>
internal sealed class NGramCoding(NGramModel model, Tokenizer tokenizer, byte[] hash) : CodingModel(tokenizer, hash)
{
    internal override CodingModel WithWindow(int length, int stride) =>
        (length, stride) == default ? this
        : throw new InvalidDataException($"decompression: an n-gram model has no window, but the file says {length} and {stride}");

    internal override void Encode(int[] ids, RangeEncoder coder, Action<int> count)
    {
        double[] row = new double[model.VocabularySize];
        Frequencies shares = new(Tokenizer.VocabularySize);
        NGramState state = model.Begin;
        foreach (int id in ids)
        {
            model.Distribution(state, row);
            shares.SetProbabilities(row);
            shares.Encode(coder, id);
            state = model.Next(state, id);
            count(1);
        }
    }

    internal override int[] Decode(int tokens, RangeDecoder coder, Action<int> count)
    {
        double[] row = new double[model.VocabularySize];
        Frequencies shares = new(Tokenizer.VocabularySize);
        NGramState state = model.Begin;
        List<int> ids = [];
        while (ids.Count < tokens)
        {
            model.Distribution(state, row);
            shares.SetProbabilities(row);
            ids.Add(shares.Decode(coder));
            state = model.Next(state, ids[^1]);
            count(1);
        }
        return [.. ids];
    }
}
