namespace Lemma.Formats;

/// <summary>The element types of safetensors files and of PyTorch's storages, by the names that safetensors gives them.</summary>
internal static class ElementTypes
{
    /// <summary>The bytes of an element, or null when the type is none of the format's.</summary>
    public static int? BytesOf(string type) => type switch
    {
        "F64" or "I64" or "U64" or "C64" => 8,
        "F32" or "I32" or "U32" => 4,
        "F16" or "BF16" or "I16" or "U16" => 2,
        "I8" or "U8" or "BOOL" or "F8_E4M3" or "F8_E5M2" => 1,
        _ => null,
    };
}
