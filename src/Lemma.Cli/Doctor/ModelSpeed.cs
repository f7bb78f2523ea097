using System.Diagnostics;
using Lemma.Checkpoints;
using Lemma.Cli.Bench;
using Lemma.Cli.Parsing;
using Lemma.Compute;
using Lemma.Models;
using Lemma.Planning;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Cli.Doctor;

/// <summary>How fast a model decodes if its matrices were of another type.</summary>
/// <param name="Type">The type.</param>
/// <param name="Bytes">The bytes of all weights then.</param>
/// <param name="TokensPerSecond">Decoded tokens a second, estimated.</param>
internal sealed record OtherType(string Type, double Bytes, double TokensPerSecond);

/// <summary>How fast one model decodes on this machine, beside what memory allows.</summary>
internal sealed record ModelSpeed
{
    // A long decoding tells nothing more; slow models get fewer tokens and shorter prompts.
    private const double MostSeconds = 2;
    private const int MostTokens = 64, WarmTokens = 3, LeastPrompt = 8, MostPrompt = 256;

    /// <summary>A prompt whose time is told.</summary>
    public const int UsualPrompt = 512;

    public required string Name { get; init; }

    public required long Parameters { get; init; }

    /// <summary>What weights are kept as, with the bytes of each.</summary>
    public required IReadOnlyList<(string Format, long Bytes)> Formats { get; init; }

    /// <summary>The bytes that a decoded token reads.</summary>
    public required double ReadBytes { get; init; }

    /// <summary>Decoded tokens a second: the median.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>Those that memory allows.</summary>
    public required double Floor { get; init; }

    /// <summary>The length of a prompt and the seconds until its first token, from one that was read.</summary>
    public required (int Tokens, double Seconds) FirstToken { get; init; }

    /// <summary>The tokens of the prompt that was read.</summary>
    public required int PromptRead { get; init; }

    /// <summary>The longest sequence, and the bytes that one keeps then.</summary>
    public required (int Length, long Bytes) Cache { get; init; }

    /// <summary>Other types of weights, the smallest last.</summary>
    public required IReadOnlyList<OtherType> Others { get; init; }

    public double ShareOfFloor => TokensPerSecond / Floor;

    public long WeightBytes => Formats.Sum(format => format.Bytes);

    /// <summary>Reads a model and measures it.</summary>
    public static ModelSpeed Measure(string name, Workers workers, MachineRates rates, IProgress<string> progress)
    {
        progress.Report($"reading {name}");
        using Decoder decoder = Open(name);
        IReadOnlyList<(string Format, long Bytes)> formats = decoder.Parameters.Formats;
        decoder.Parameters.Pack(workers);
        using Tape tape = new(workers, decoder.Parameters) { Recording = false };
        progress.Report("decoding");
        double token = Decode(decoder, tape);
        progress.Report("a prompt");
        double byMachine = MostSeconds * rates.ProductOperations / (DecodingWork.OfPrompt(decoder, 2) - DecodingWork.OfPrompt(decoder, 1));
        int prompt = Math.Min((int)Math.Clamp(byMachine, LeastPrompt, MostPrompt), decoder.MaximumLength);
        Read(decoder, tape, Math.Min(LeastPrompt, prompt));
        double seconds = Math.Min(Read(decoder, tape, prompt), Read(decoder, tape, prompt));
        int usual = Math.Min(UsualPrompt, decoder.MaximumLength);
        CachePlan cache = CachePlan.Of(decoder.Config);
        progress.Report("types of weights");
        return new ModelSpeed
        {
            Name = name,
            Parameters = decoder.Parameters.Count,
            Formats = formats,
            ReadBytes = DecodingWork.WeightBytes(decoder),
            TokensPerSecond = 1 / token,
            Floor = rates.MemoryBytes / DecodingWork.WeightBytes(decoder),
            FirstToken = (usual, seconds * DecodingWork.OfPrompt(decoder, usual) / DecodingWork.OfPrompt(decoder, prompt)),
            PromptRead = prompt,
            Cache = (decoder.MaximumLength, cache.AllocatedBytes(decoder.MaximumLength)),
            Others = [.. OthersOf(decoder, formats, token, workers)],
        };
    }

    private static Decoder Open(string name)
    {
        if (Presets.Find(name) is { } config)
        {
            Decoder made = new(config);
            made.Initialize(seed: 0);
            return made;
        }
        string path = ModelPath.Find(name);
        if (!Path.Exists(path))
            throw new InvalidDataException($"'{name}' is neither a file nor a folder nor a preset; presets are {string.Join(", ", Presets.Names)}");
        Model model = ModelFolder.ReadAsStored(path);
        if (model is Decoder decoder)
            return decoder;
        model.Dispose();
        throw new InvalidDataException($"the model in '{name}' is no decoder; decoding is what is measured");
    }

    // The median seconds of a token, behind a few that warm up.
    private static double Decode(Decoder decoder, Tape tape)
    {
        using SequenceState state = decoder.NewState();
        List<double> times = [];
        long begin = Stopwatch.GetTimestamp();
        int most = Math.Min(MostTokens, decoder.MaximumLength);
        for (int token = 0; token < most && (times.Count < 2 || Stopwatch.GetElapsedTime(begin).TotalSeconds < MostSeconds); token++)
        {
            int[] id = [token * 7919 % decoder.VocabularySize];
            long start = Stopwatch.GetTimestamp();
            decoder.NextLogits(tape, Rows.One(id, state));
            tape.Rewind();
            if (token >= Math.Min(WarmTokens, most - 1))
                times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return Median.Of(times);
    }

    private static double Read(Decoder decoder, Tape tape, int tokens)
    {
        using SequenceState state = decoder.NewState();
        int[] ids = [.. Enumerable.Range(0, tokens).Select(i => i * 7919 % decoder.VocabularySize)];
        long start = Stopwatch.GetTimestamp();
        decoder.NextLogits(tape, Rows.One(ids, state));
        tape.Rewind();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    // A token's time, less what its weights take by the rate of their type, and what they would take as another.
    private static IEnumerable<OtherType> OthersOf(Decoder decoder, IReadOnlyList<(string Format, long Bytes)> formats, double token, Workers workers)
    {
        (string Format, long Bytes) most = formats.MaxBy(format => format.Bytes);
        if (!WeightRate.Types.Contains(most.Format))
            yield break;
        double now = WeightRate.BytesOfWeight(most.Format), share = DecodingWork.WeightBytes(decoder) / decoder.Parameters.WeightBytes;
        double weights = most.Bytes / now, seconds = share * weights / WeightRate.Measure(workers, most.Format);
        foreach (string type in WeightRate.Types.Where(type => WeightRate.BytesOfWeight(type) < now && type is not "BF16"))
        {
            double other = share * weights / WeightRate.Measure(workers, type);
            double all = decoder.Parameters.WeightBytes - most.Bytes + weights * WeightRate.BytesOfWeight(type);
            // What lies in caches is faster than its type's rate, so the whole is scaled where that is all of it.
            yield return new OtherType(type, all, 1 / (seconds < token ? token - seconds + other : token * other / seconds));
        }
    }
}
