using Lemma.Language.Sentences;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Text;

namespace Lemma.Language;

/// <summary>A model that turns texts into vectors: an encoder or a decoder with its tokenizer, its pooling and the threads that run it.</summary>
/// <remarks>
/// A folder of sentence-transformers says how rows are pooled and what follows (<c>modules.json</c>); of another folder, vectors are means of the last
/// rows. The bits of a vector depend on its text alone, not on the other texts, the batches or the threads.
/// </remarks>
public sealed class EmbeddingModel : IDisposable
{
    private readonly ReadableModel model;
    private readonly SentenceFiles files;

    private EmbeddingModel(ReadableModel model, SentenceFiles files)
    {
        (this.model, this.files) = (model, files);
        MaximumLength = Math.Min(files.MaximumLength ?? int.MaxValue, model.Model.AnyConfig.MaximumLength);
    }

    /// <summary>How rows become vectors.</summary>
    internal IReadOnlyList<PoolingMode> Modes => files.Modes;

    /// <summary>Whether vectors have length 1.</summary>
    public bool Normalizes => files.Normalizes;

    /// <summary>The most tokens of a text.</summary>
    public int MaximumLength { get; }

    /// <summary>The numbers of a vector.</summary>
    public int Width => files.Layers.Count > 0 ? files.Layers[^1].Outputs : RowWidth(model.Model) * files.Modes.Count;

    /// <summary>Tokens that are read in one pass, unless one text has more.</summary>
    internal int TokensTogether { get; set; } = 1024;

    /// <summary>Reads a model's folder with what says how its rows are pooled.</summary>
    /// <param name="path">A folder of sentence-transformers, a model's folder, or a checkpoint of llama2.c.</param>
    /// <param name="threads">Threads that run the model; null for one a processor.</param>
    /// <exception cref="FileNotFoundException">There is no model, or no tokenizer.</exception>
    /// <exception cref="InvalidDataException">A file is broken, asks for something that is not known, or the model reads a source and a target.</exception>
    public static EmbeddingModel Load(string path, int? threads = null)
    {
        SentenceFiles files = SentenceFiles.Read(path);
        ReadableModel model = ReadableModel.Load(files.Model, threads);
        try
        {
            if (model.Model is EncoderDecoder)
                throw new InvalidDataException($"{path}: the model is {model.Kind}, of which no rows stand for a text");
            if (files.Width is { } width && width != RowWidth(model.Model))
                throw new InvalidDataException($"{path}: rows of {width} columns are pooled, but the model's have {RowWidth(model.Model)}");
            int given = RowWidth(model.Model) * files.Modes.Count;
            foreach (SentenceDense layer in files.Layers)
            {
                if (layer.Inputs != given)
                    throw new InvalidDataException($"{path}: a Dense module takes {layer.Inputs} numbers, but there are {given}");
                given = layer.Outputs;
            }
            model.Model.Parameters.Pack(model.Workers);
            return new EmbeddingModel(model, files);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>A vector a text, in the order of the texts.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="progress">Told how many texts are done.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentException">A text has no tokens, or more than <see cref="MaximumLength"/>.</exception>
    public float[][] Embed(IReadOnlyList<string> texts, IProgress<int>? progress = null, CancellationToken cancellation = default)
    {
        return EmbedIds(Encode(texts), null, progress, cancellation);
    }

    /// <summary>A vector for the ids of each text, as <see cref="Encode"/> gives them, in their order.</summary>
    /// <param name="ids">The ids, special tokens included.</param>
    /// <param name="dimensions">How many first numbers of each vector are given, of length 1 where whole vectors are; null for all. Models may be trained so that
    /// these are a vector by themselves (Kusupati et al. 2022, "Matryoshka representation learning").</param>
    /// <param name="progress">Told how many texts are done.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentException">
    /// A text has no tokens, more than <see cref="MaximumLength"/>, or one that the model has not; or vectors have fewer numbers than are asked for.
    /// </exception>
    public float[][] EmbedIds(IReadOnlyList<int[]> ids, int? dimensions = null, IProgress<int>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(ids);
        for (int i = 0; i < ids.Count; i++)
        {
            Require.That(ids[i].Length > 0, $"embed: text {i + 1} of {ids.Count} has no tokens");
            Require.That(ids[i].Length <= MaximumLength,
                $"embed: the model reads at most {MaximumLength} tokens, but text {i + 1} of {ids.Count} has {ids[i].Length}");
        }
        Require.That(dimensions is null || (dimensions > 0 && dimensions <= Width),
            $"embed: vectors have {Width} numbers, but the first {dimensions} are asked for");
        float[][] vectors = Read([.. ids], progress, cancellation);
        return dimensions is null || dimensions == Width ? vectors
            : [.. vectors.Select(vector => Scaled(Array.ConvertAll(vector[..dimensions.Value], static x => (double)x)))];
    }

    /// <summary>The ids of each text, as the model reads them, special tokens and what stands before a text included.</summary>
    /// <exception cref="ArgumentException">A text has no tokens.</exception>
    public int[][] Encode(IReadOnlyList<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        int[][] ids = model.Tokenizer.EncodeBatch([.. texts.Select(files.Prepare)], threads: model.Workers.Count);
        for (int i = 0; i < ids.Length; i++)
            Require.That(ids[i].Length > 0, $"embed: text {i + 1} of {ids.Length} has no tokens");
        return ids;
    }

    /// <summary>As Embed, but of longer texts what stands beyond <see cref="MaximumLength"/> is not read; special tokens stay.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="cut">How many were cut.</param>
    /// <param name="progress">Told how many texts are done.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentException">A text has no tokens.</exception>
    public float[][] EmbedCut(IReadOnlyList<string> texts, out int cut, IProgress<int>? progress = null, CancellationToken cancellation = default)
    {
        int[][] ids = Encode(texts);
        int[] tooLong = [.. Enumerable.Range(0, ids.Length).Where(i => ids[i].Length > MaximumLength)];
        if (tooLong.Length > 0)
        {
            Tokenizer own = model.Tokenizer, cutting = new(own.Model, own.AddedTokens, own.Normalizer, own.Splitter, own.PostProcessor, own.Decoder,
                new TruncationOptions { MaximumLength = MaximumLength });
            foreach (int i in tooLong)
                ids[i] = [.. cutting.EncodeForModel(files.Prepare(texts[i])).Ids];
        }
        cut = tooLong.Length;
        return Read(ids, progress, cancellation);
    }

    /// <summary>⟨a, b⟩/(‖a‖·‖b‖): the cosine of the angle between two vectors, 0 where one is zero.</summary>
    public static double Similarity(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        Require.That(a.Length == b.Length, $"similarity: vectors of {a.Length} and {b.Length} numbers have no angle");
        return Formulas.Cosine.Of(a, b).Value;
    }

    /// <summary>Frees the model and ends its threads.</summary>
    public void Dispose() => model.Dispose();

    private static int RowWidth(Model model) => model.Reader.Width;

    // Texts of about one length are read together, the longest first.
    private float[][] Read(int[][] ids, IProgress<int>? progress, CancellationToken cancellation)
    {
        float[][] vectors = new float[ids.Length][];
        int[] order = [.. Enumerable.Range(0, ids.Length).OrderByDescending(i => ids[i].Length).ThenBy(i => i)];
        using Tape tape = new(model.Workers, model.Model.Parameters) { Recording = false };
        for (int first = 0, end; first < order.Length; first = end)
        {
            cancellation.ThrowIfCancellationRequested();
            int tokens = ids[order[first]].Length;
            for (end = first + 1; end < order.Length && tokens + ids[order[end]].Length <= TokensTogether; end++)
                tokens += ids[order[end]].Length;
            int[] some = order[first..end];
            Rows rows = new(some.SelectMany(i => ids[i]).ToArray(), some.Select(i => ids[i].Length).ToArray());
            Tensor hidden = model.Model.Read(tape, rows);
            int width = hidden.Shape.Columns, row = 0;
            foreach (int i in some)
            {
                vectors[i] = Pool(tape[hidden].Slice(row * width, ids[i].Length * width), width);
                Require.That(Array.TrueForAll(vectors[i], float.IsFinite), $"embed: the vector of text {i + 1} of {ids.Length} is not finite");
                row += ids[i].Length;
            }
            tape.Rewind();
            progress?.Report(end);
        }
        return vectors;
    }

    private float[] Pool(ReadOnlySpan<float> rows, int width)
    {
        double[] sums = new double[width * files.Modes.Count];
        for (int i = 0; i < files.Modes.Count; i++)
            Pool(files.Modes[i], rows, sums.AsSpan(i * width, width));
        foreach (SentenceDense layer in files.Layers)
            sums = layer.Apply(sums);
        return Scaled(sums);
    }

    private float[] Scaled(double[] sums)
    {
        double length = 1;
        if (files.Normalizes)
        {
            double squares = 0;
            foreach (double sum in sums)
                squares += sum * sum;
            // As PyTorch's normalize: a vector of nothing stays one.
            length = Math.Max(Math.Sqrt(squares), 1e-12);
        }
        return Array.ConvertAll(sums, sum => (float)(sum / length));
    }

    private static void Pool(PoolingMode mode, ReadOnlySpan<float> rows, Span<double> y)
    {
        int width = y.Length, count = rows.Length / width;
        (int first, int end) = mode switch
        {
            PoolingMode.First => (0, 1),
            PoolingMode.Last => (count - 1, count),
            _ => (0, count),
        };
        double divisor = mode switch
        {
            PoolingMode.Mean => count,
            PoolingMode.MeanByRoot => Math.Sqrt(count),
            PoolingMode.WeightedMean => count * (count + 1.0) / 2,
            _ => 1,
        };
        for (int column = 0; column < width; column++)
        {
            double sum = mode == PoolingMode.Maximum ? double.NegativeInfinity : 0;
            for (int row = first; row < end; row++)
            {
                double x = rows[row * width + column];
                sum = mode == PoolingMode.Maximum ? Math.Max(sum, x) : sum + (mode == PoolingMode.WeightedMean ? (row + 1) * x : x);
            }
            y[column] = sum / divisor;
        }
    }
}
