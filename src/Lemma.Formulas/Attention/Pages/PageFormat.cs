namespace Lemma.Formulas;

/// <summary>How the numbers of a page of keys and values lie.</summary>
internal enum PageFormat
{
    /// <summary>32 bits, in the panels of the tile: attention reads them as they lie.</summary>
    Single,

    /// <summary>16 bits, 5 of exponent and 10 of fraction, in the panels of the tile.</summary>
    Half,

    /// <summary>The upper 16 of 32 bits, in the panels of the tile.</summary>
    Brain,

    /// <summary>Turned (<see cref="Hadamard"/>), then blocks of 32 numbers of 8 bits with a scale.</summary>
    Eight,

    /// <summary>Turned, then blocks of 32 numbers of 4 bits with a scale.</summary>
    Four,
}
