using Lemma.Formulas;
using Lemma.Modules;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Models;

/// <summary>Rows of ids through embedding, blocks and the last norm.</summary>
internal sealed class Stack
{
    private readonly StackConfig config;
    private readonly Parameter tokens;
    private readonly Parameter? positions, tokenTypes, buckets, blockTokens;
    private readonly Norm? embeddingNorm, norm, blockNorm;
    private readonly Linear? blockProjection;
    private readonly Block[] blocks;
    private readonly bool dependsOnLength;
    private readonly int maximumLength;

    /// <summary>A stack whose parameters are declared in a scope, after the embedding of its ids.</summary>
    public Stack(StackConfig config, Scope scope, Parameter tokens, int encoderWidth = 0, FirstValue? lastGain = null)
    {
        (this.config, this.tokens, maximumLength) = (config, tokens, scope.MaximumLength);
        EmbeddingConfig embedding = config.Embedding;
        if (embedding.LearnedPositions > 0)
            positions = scope.In("positions").Add("weight", new Shape(embedding.LearnedPositions, embedding.Width), scope.Embedding, decays: false);
        if (embedding.TokenTypes > 0)
            tokenTypes = scope.In("token_types").Add("weight", new Shape(embedding.TokenTypes, embedding.Width), scope.Embedding, decays: false);
        // PEFT cannot read positions that are shifted.
        foreach (Parameter? table in (Parameter?[])[tokens, embedding.PositionOffset == 0 ? positions : null, tokenTypes])
            table?.TakesLookupAdapter = true;
        tokens.IsLookedUp = true;
        embeddingNorm = Norm.Of(embedding.Norm, scope.In("embedding_norm"), embedding.Width);
        if (config.Bias is BucketBias bias)
            buckets = scope.In("position_bias").Add("weight", new Shape(bias.Buckets, bias.Heads), FirstValue.Zero, decays: false);
        if (embedding.PerBlock is { } own)
        {
            int columns = checked(config.Blocks.Count * own.Width);
            blockTokens = scope.In("block_embedding").Add("weight", new Shape(embedding.VocabularySize, columns), scope.Embedding, decays: false);
            blockTokens.IsLookedUp = true;
            blockProjection = new Linear(scope.In("block_projection"), columns, embedding.Width, bias: false, FirstValue.Normal(1));
            blockNorm = new Norm(own.Norm, scope.In("block_embedding_norm"), own.Width);
        }
        blocks = [.. config.Blocks.Select((block, i) =>
        {
            Scope place = scope.In("blocks").In(i);
            PerBlockInput? input = embedding.PerBlock is { } each ? new PerBlockInput(each.Width, each.Activation, each.Norm, place.In("per_block")) : null;
            return new Block(block, place, encoderWidth, input);
        })];
        norm = config.Norm is null ? null : new Norm(config.Norm, scope.In("norm"), embedding.Width, lastGain ?? FirstValue.One);
        dependsOnLength = config.Blocks.Any(block => block.Mixer switch
        {
            AttentionConfig attention => attention.Rotary is { Scaling.DependsOnLength: true },
            LatentAttentionConfig latent => latent.Rotary.Scaling.DependsOnLength,
            _ => false,
        });
    }

    /// <summary>The width d of a row.</summary>
    public int Width => config.Embedding.Width;

    /// <summary>How many blocks.</summary>
    public int Layers => blocks.Length;

    /// <summary>Whether angles of positions depend on how long a sequence is at the end of a pass: then pieces of a prompt have other bits than the whole.</summary>
    public bool DependsOnLength => dependsOnLength;

    /// <summary>Whether what a block makes on the way is made again in the backward.</summary>
    public bool RecomputesBlocks { get; set; }

    /// <summary>What one sequence keeps between passes; cross attention's states come after those of the mixers.</summary>
    public IEnumerable<LayerState> NewLayers(CacheFormat format) => blocks.Select(block =>
    {
        // Refused before anything is read, though its pages are made with the encoder's rows.
        block.Cross?.PageOf(format);
        return block.Mixer.NewState(format);
    });

    /// <summary>What one sequence keeps of its encoder's rows.</summary>
    public IEnumerable<LayerState> NewCrossLayers(Tape tape, Tensor encoded, int firstRow, int count, CacheFormat format) =>
        blocks.Select(block => block.Cross!.NewState(tape, encoded, firstRow, count, format));

    /// <summary>The bias for the choice of each block's experts, where it has one.</summary>
    public IEnumerable<Parameter?> ChoiceBiases => blocks.Select(block => block.ChoiceBias);

    /// <summary>[rows, d]. Rows with states are added to them.</summary>
    public Tensor Apply(Tape tape, in Rows rows, Philox? random, float dropout, ReadOnlyMemory<int> types = default,
        (Tensor, ReadOnlyMemory<int>)? encoded = null, IPassObserver? observer = null)
    {
        CheckLengths(rows);
        CheckPrefixes(rows);
        int longest = LongestOf(rows);
        Pass pass = new(rows, PositionsOf(tape, rows, 0))
        {
            Longest = longest,
            Layers = blocks.Length,
            Encoded = encoded,
            Lengths = dependsOnLength ? LengthsOf(tape, rows) : default,
            Bias = BiasOf(tape, longest),
            Random = random,
            Dropout = dropout,
            Observer = observer,
        };
        Tensor x = Embed(tape, rows, pass, types);
        pass = pass with { BlockRows = BlockRowsOf(tape, rows, x, random) };
        x = pass.Drop(tape, x, 0);
        for (int i = 0; i < blocks.Length; i++)
        {
            x = RecomputesBlocks && tape.Recording ? Recomputed(tape, blocks[i], x, pass with { Layer = i }) : blocks[i].Apply(tape, x, pass with { Layer = i });
            observer?.Block(tape, i, x);
        }
        for (int i = 0; i < rows.States.Length; i++)
            rows.States.Span[i].Advance(rows.Lengths.Span[i], rows.Prefixes.IsEmpty ? 0 : rows.Prefixes.Span[i]);
        return Finish(tape, x);
    }

    /// <summary>The last norm of rows that blocks gave.</summary>
    public Tensor Finish(Tape tape, Tensor x) => norm is null ? x : norm.Apply(tape, x);

    // Of a block with experts the scores are kept as well, for the balance loss.
    private static Tensor Recomputed(Tape tape, Block block, Tensor x, Pass pass)
    {
        Require.That(pass.Rows.States.IsEmpty && pass.Observer is null, $"model: blocks that are made again take neither states nor observers");
        int experts = block.Experts;
        Memory<int> loads = tape.TakeIntegers(experts);
        Tensor[] given = tape.Recompute(x, experts > 0 ? [x.Shape, new Shape(x.Shape.Rows, experts)] : [x.Shape], (tape, x) =>
        {
            Tensor y = block.Apply(tape, x, pass);
            if (experts == 0)
                return [y];
            ExpertOutput own = tape.Experts[^1];
            own.Loads.CopyTo(loads);
            return [y, own.Probabilities];
        });
        if (experts > 0)
            tape.Keep(new ExpertOutput(given[0], given[1], loads));
        return given[0];
    }

    private Tensor Embed(Tape tape, in Rows rows, in Pass pass, ReadOnlyMemory<int> types)
    {
        EmbeddingConfig embedding = config.Embedding;
        ReadOnlyMemory<int> places = embedding.PositionOffset == 0 ? pass.Positions : PositionsOf(tape, rows, embedding.PositionOffset);
        Tensor x;
        if (positions is not null && embedding.Scale == 1)
        {
            x = tape.Embedding(rows.Ids, tape.Parameter(tokens), places, tape.Parameter(positions));
            Adapted.AddToLookup(tape, x, rows.Ids, tokens);
        }
        else
        {
            x = tape.Embedding(rows.Ids, tape.Parameter(tokens));
            Adapted.AddToLookup(tape, x, rows.Ids, tokens);
            x = embedding.Scale == 1 ? x : tape.Scale(x, embedding.Scale);
            x = positions is null ? x : tape.Add(x, tape.Embedding(places, tape.Parameter(positions)));
        }
        if (positions is not null)
            Adapted.AddToLookup(tape, x, places, positions);
        if (embedding.Sinusoidal)
            x = tape.Add(x, Sinusoids(tape, pass.Positions, embedding.Width));
        if (tokenTypes is not null)
        {
            Require.That(types.IsEmpty || types.Length == rows.Ids.Length, $"encoder: {types.Length} token types for {rows.Ids.Length} ids");
            foreach (int type in types.Span)
                Require.That((uint)type < (uint)embedding.TokenTypes, $"encoder: token type {type} is not among {embedding.TokenTypes}");
            ReadOnlyMemory<int> kinds = types.IsEmpty ? Zeros(tape, rows.Ids.Length) : types;
            x = tape.Add(x, tape.Embedding(kinds, tape.Parameter(tokenTypes)));
            Adapted.AddToLookup(tape, x, kinds, tokenTypes);
        }
        return embeddingNorm is null ? x : embeddingNorm.Apply(tape, x);
    }

    private Tensor? BlockRowsOf(Tape tape, in Rows rows, Tensor x, Philox? random)
    {
        if (config.Embedding.PerBlock is not { } own)
            return null;
        Tensor projected = tape.Scale(blockProjection!.Apply(tape, x, random), (float)(1 / Math.Sqrt(config.Embedding.Width)));
        blockNorm!.ApplyToHeads(tape, projected, 0, blocks.Length, own.Width);
        Tensor looked = tape.Scale(tape.Embedding(rows.Ids, tape.Parameter(blockTokens!)), MathF.Sqrt(own.Width));
        return tape.Scale(tape.Add(projected, looked), (float)(1 / Math.Sqrt(2)));
    }

    private Tensor? BiasOf(Tape tape, int longest)
    {
        if (config.Bias is null)
            return null;
        bool isBidirectional = config.Blocks[0].Mixer is AttentionConfig { Mask: MaskKind.None };
        return config.Bias is BucketBias bias
            ? tape.RelativeBias(tape.Parameter(buckets!), isBidirectional, bias.MaximumDistance, 1 - longest, longest - 1)
            : tape.LinearBias(config.Bias.Heads, 1 - longest, longest - 1);
    }

    private static int LongestOf(in Rows rows)
    {
        int longest = 0;
        for (int i = 0; i < rows.Lengths.Length; i++)
            longest = Math.Max(longest, StartOf(rows, i) + rows.Lengths.Span[i]);
        return longest;
    }

    private void CheckLengths(in Rows rows)
    {
        for (int i = 0; i < rows.Lengths.Length; i++)
        {
            long length = (long)StartOf(rows, i) + rows.Lengths.Span[i];
            Require.That(length <= maximumLength, $"model: {length} tokens are more than the longest sequence, {maximumLength}");
        }
    }

    private void CheckPrefixes(in Rows rows)
    {
        if (rows.Prefixes.IsEmpty)
            return;
        Require.That(rows.Prefixes.Length == rows.Lengths.Length, $"model: {rows.Prefixes.Length} prefixes for {rows.Lengths.Length} sequences");
        for (int i = 0; i < rows.Prefixes.Length; i++)
        {
            int prefix = rows.Prefixes.Span[i], start = StartOf(rows, i);
            Require.That(prefix >= 0 && prefix <= rows.Lengths.Span[i],
                $"model: a prefix must lie in the pass that begins its sequence, of {rows.Lengths.Span[i]} tokens, but it has {prefix}");
            Require.That(prefix == 0 || start == 0, $"model: a prefix of {prefix} tokens begins its sequence, but {start} were read before it");
            Require.That(prefix == 0 || config.Bias is not SlopeBias, $"model: slopes of distances to earlier keys have no prefix");
            Require.That(prefix == 0 || config.Blocks.All(block => block.Mixer.SeesPrefixes),
                $"model: windows, patterns, spans and linear attention have no prefix, but one of {prefix} tokens was asked for");
        }
    }

    private static int StartOf(in Rows rows, int sequence) => rows.States.IsEmpty ? 0 : rows.States.Span[sequence].Length;

    // Positions belong to the pass: any number of threads may run passes over one model.
    private static ReadOnlyMemory<int> PositionsOf(Tape tape, in Rows rows, int offset)
    {
        Memory<int> positions = tape.TakeIntegers(rows.Ids.Length);
        Span<int> all = positions.Span;
        for (int i = 0, row = 0; i < rows.Lengths.Length; i++)
        {
            int start = StartOf(rows, i) + offset;
            for (int place = 0; place < rows.Lengths.Span[i]; place++)
                all[row++] = start + place;
        }
        return positions;
    }

    private static ReadOnlyMemory<int> LengthsOf(Tape tape, in Rows rows)
    {
        Memory<int> lengths = tape.TakeIntegers(rows.Ids.Length);
        for (int i = 0, row = 0; i < rows.Lengths.Length; row += rows.Lengths.Span[i++])
            lengths.Span.Slice(row, rows.Lengths.Span[i]).Fill(StartOf(rows, i) + rows.Lengths.Span[i]);
        return lengths;
    }

    private static Memory<int> Zeros(Tape tape, int count)
    {
        Memory<int> zeros = tape.TakeIntegers(count);
        zeros.Span.Clear();
        return zeros;
    }

    private static Tensor Sinusoids(Tape tape, ReadOnlyMemory<int> places, int width)
    {
        Tensor sines = tape.New(new Shape(places.Length, width));
        if (!tape.Counts)
            SinusoidalPositions.Forward(places.Span, width, tape[sines]);
        return sines;
    }
}
