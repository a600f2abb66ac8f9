//! The values of one block of the schema: on the wire, and as the provider sees them.

use tonic::Status;

use crate::diagnostics::Diagnostics;
use crate::proto::tfplugin6 as proto;
use crate::schema::Schema;
use crate::value::{RawState, Type, Value, ValueError};

/// A schema with its type, which is costly enough to keep.
pub(super) struct Block {
    pub(super) schema: Schema,
    pub(super) ty: Type,
}

impl Block {
    pub(super) fn new(schema: &Schema) -> Self {
        Self {
            ty: schema.ty(),
            schema: schema.clone(),
        }
    }

    pub(super) fn encode(&self, mut value: Value) -> Result<Option<proto::DynamicValue>, Status> {
        self.schema.null_write_only(&mut value);
        wire(&value, &self.ty).map(Some)
    }

    pub(super) fn decode(&self, wire: Option<proto::DynamicValue>) -> Result<Value, Status> {
        self.read(wire)
            .map_err(|error| Status::invalid_argument(error.to_string()))
    }

    pub(super) fn read(&self, wire: Option<proto::DynamicValue>) -> Result<Value, ValueError> {
        let Some(wire) = wire else {
            return Ok(Value::Null);
        };
        match (wire.msgpack.is_empty(), wire.json.is_empty()) {
            (true, true) => Ok(Value::Null),
            (true, false) => RawState::parse(&wire.json).and_then(|raw| raw.decode(&self.ty)),
            (false, _) => Value::from_msgpack(&self.ty, &wire.msgpack),
        }
    }

    /// A configuration that its provider may look at; there is none where its shape is not that of the schema.
    pub(super) fn judge(
        &self,
        wire: Option<proto::DynamicValue>,
        diags: &mut Diagnostics,
    ) -> Option<Value> {
        match self.read(wire) {
            Ok(config) => {
                self.schema.check(&config, diags);
                if diags.has_errors() {
                    return None;
                }
                self.schema.check_rules(&config, diags);
                Some(config)
            }
            Err(error) => {
                let path = error.path().cloned().unwrap_or_default();
                let detail = format!("{error}.");
                diags.error_at(path, "The configuration does not fit the schema", detail);
                None
            }
        }
    }

    pub(super) fn refuse_write_only(&self, config: &Value, diags: &mut Diagnostics) {
        for path in self.schema.write_only_values(config) {
            diags.error_at(
                path,
                "Write-only attributes are not supported by this version",
                "This attribute is write-only, which needs Terraform 1.11 or OpenTofu 1.11, or later: an older one would store its value.",
            );
        }
    }

    /// For every value but the configuration: the proposed state carries write-only values.
    pub(super) fn decode_state(&self, wire: Option<proto::DynamicValue>) -> Result<Value, Status> {
        let mut value = self.decode(wire)?;
        self.schema.null_write_only(&mut value);
        Ok(value)
    }
}

pub(super) fn wire(value: &Value, ty: &Type) -> Result<proto::DynamicValue, Status> {
    let msgpack = value.to_msgpack(ty).map_err(|error| {
        Status::internal(format!("the provider returned an unfit value: {error}"))
    })?;
    Ok(proto::DynamicValue {
        msgpack,
        json: Vec::new(),
    })
}
