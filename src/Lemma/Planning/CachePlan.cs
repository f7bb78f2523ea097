using Lemma.Models;
using Lemma.Modules;
using Lemma.Sequences;

namespace Lemma.Planning;

/// <summary>What one sequence keeps between passes: keys and values, latents, sums of linear attention.</summary>
/// <remarks>
/// Of a token an attention keeps 2·H_kv·d_h elements (with a window, of the last tokens alone), latent attention d_c + d_r (DeepSeek-V2, section 2.1.2);
/// linear attention keeps H·(d·d_v + d) of a sequence, whatever its length, a short convolution (K − 1)·d, a gated delta rule H·d·d_v beside its convolution.
/// </remarks>
public sealed class CachePlan
{
    private readonly Layer[] layers;
    private readonly LayerState[] states;

    private CachePlan(Layer[] layers, LayerState[] states, long ofSource) => (this.layers, this.states, SourceElementsOfToken) = (layers, states, ofSource);

    /// <summary>Elements that one more token adds, while no window is full.</summary>
    public long ElementsOfToken => layers.Sum(layer => layer.OfToken);

    /// <summary>Elements that the decoder keeps of each token of an encoder's text; 0 without one.</summary>
    public long SourceElementsOfToken { get; }

    /// <summary>The plan of a config; an encoder alone keeps nothing.</summary>
    public static CachePlan Of(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        BlockConfig[] blocks = config switch
        {
            DecoderConfig decoder => [.. decoder.Stack.Blocks],
            EncoderDecoderConfig both => [.. both.Decoder.Blocks],
            _ => [],
        };
        using Model model = config.Declare();
        long ofSource = blocks.Sum(block => block.Cross is { } cross ? 2L * cross.KeyValueHeads * cross.HeadWidth : 0);
        return new CachePlan([.. blocks.Select(block => LayerOf(block.Mixer, model.Reader.Width))],
            blocks.Length == 0 ? [] : [.. model.NewLayers(CacheFormat.Float32)], ofSource);
    }

    /// <summary>Elements of a sequence of some tokens.</summary>
    public long ElementsOf(long length)
    {
        Require.That(length >= 0, $"cache: a sequence cannot have {length} tokens");
        return layers.Sum(layer => layer.OfSequence + layer.OfToken * layer.Kept(length));
    }

    /// <summary>Bytes of a token in a format, while no window is full.</summary>
    public long BytesOfToken(StorageFormat format)
    {
        ArgumentNullException.ThrowIfNull(format);
        return layers.Sum(layer => format.BytesOf(layer.OfToken));
    }

    /// <summary>Bytes of a sequence of some tokens in a format, packed without gaps.</summary>
    public long BytesOf(long length, StorageFormat format)
    {
        ArgumentNullException.ThrowIfNull(format);
        Require.That(length >= 0, $"cache: a sequence cannot have {length} tokens");
        return layers.Sum(layer => format.BytesOf(layer.OfSequence) + format.BytesOf(layer.OfToken) * layer.Kept(length));
    }

    /// <summary>The bytes that Lemma takes for a sequence of some tokens, in pages of 192 positions.</summary>
    /// <param name="length">Tokens.</param>
    /// <param name="format">How keys and values are stored; null for 32-bit floats.</param>
    /// <remarks>Latents lie there twice, as keys and as values; sums of linear attention are 32-bit floats in every format.</remarks>
    /// <exception cref="ArgumentException">The length is negative, or the format's blocks do not fill a head.</exception>
    public long AllocatedBytes(int length, CacheFormat? format = null)
    {
        Require.That(length >= 0, $"cache: a sequence cannot have {length} tokens");
        return states.Sum(state => state.BytesAt(length, format ?? CacheFormat.Float32));
    }

    private static Layer LayerOf(MixerConfig mixer, int width) => mixer switch
    {
        AttentionConfig attention => new(2L * attention.KeyValueHeads * attention.HeadWidth, 0, attention.ToHeads().Reach),
        LatentAttentionConfig latent => new(latent.KeyValueRank + latent.RotaryWidth, 0, 0),
        LinearAttentionConfig linear => new(0, (long)linear.Heads * linear.HeadWidth * (linear.ValueWidth + 1L), 0),
        ShortConvolutionConfig convolution => new(0, (convolution.Kernel - 1L) * width, 0),
        GatedDeltaConfig delta => new(0, (delta.Kernel - 1L) * delta.Channels + (long)delta.Heads * delta.HeadWidth * delta.ValueWidth, 0),
        _ => throw new InvalidOperationException($"cache: it is not known what {mixer.GetType().Name} keeps of a sequence"),
    };

    // Elements of a token and of a sequence; the window, or 0 for all tokens.
    private readonly record struct Layer(long OfToken, long OfSequence, int Window)
    {
        public long Kept(long length) => Window == 0 ? length : Math.Min(length, Window);
    }
}
