namespace Lemma.Formulas;

/// <summary>The panels of float32 of a block of keys and values, which an <see cref="AttentionPanel"/> takes.</summary>
internal unsafe interface IPanels
{
    /// <summary>Whether all panels lie one after another; where they do not, one is asked for at a time, and may lie where the one before lay.</summary>
    static abstract bool LieTogether { get; }

    /// <summary>Elements from a panel of the values to the next, where they lie together.</summary>
    nint ValueStride { get; }

    /// <summary>A panel of keys, [d_h][columns].</summary>
    float* Keys(int panel);

    /// <summary>A panel of values, [keys][columns].</summary>
    float* Values(int panel, int keys);
}

/// <summary>Panels that lie in memory.</summary>
internal readonly unsafe struct LyingPanels(float* keys, float* values, nint valueStride) : IPanels
{
    public static bool LieTogether => true;

    public nint ValueStride => valueStride;

    public float* Keys(int panel) => keys;

    public float* Values(int panel, int keys) => values;
}

/// <summary>Panels that are made of a page's numbers when they are asked for, all in one place, which stays in the first-level cache.</summary>
internal readonly unsafe struct MadePanels(KeyValuePageShape shape, float* head, float* next, float* place) : IPanels
{
    public static bool LieTogether => false;

    public nint ValueStride => 0;

    public float* Keys(int panel)
    {
        PageReader.UnpackKeys(shape, head, panel, place);
        return place;
    }

    public float* Values(int panel, int keys)
    {
        PageReader.UnpackValues(shape, head, panel, keys, place, next);
        return place;
    }
}
